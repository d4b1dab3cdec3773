import { ApiProblem } from '@/shared/api/problem'
import { i18n, localHalf } from '@/shared/i18n'

/** What the server says about each field of a form, by the name of the field; known codes in their language. */
export function fieldProblems(failure: unknown, names: Readonly<Record<string, string>> = {}): Record<string, string> {
  if (!(failure instanceof ApiProblem)) return {}
  const said: Record<string, string> = {}
  for (const { pointer, code, detail } of failure.fields) {
    const last = pointer.split('/').findLast((part) => part !== '' && !/^\d+$/.test(part)) ?? ''
    said[names[last] ?? last] ??= wordsOf(code, detail)
  }
  return said
}

function wordsOf(code: string, detail: string): string {
  const { t, te } = i18n.global
  const key = `desk.field.${code}`
  return te(key, 'zh-CN') ? t(key) : localHalf(detail)
}

/** Whether none of the problems belongs to a field that the form shows, so that it must be told as a whole. */
export function isForWhole(failure: unknown, shown: readonly string[], names: Record<string, string> = {}): boolean {
  const said = Object.keys(fieldProblems(failure, names))
  return failure !== null && !said.some((field) => shown.includes(field))
}
