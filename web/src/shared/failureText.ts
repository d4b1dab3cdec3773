import { ApiProblem, Unreachable } from './api/problem'
import { formatNumber } from './format'
import { i18n, localHalf } from './i18n'

/** One sentence for people about a failed request; known codes in their language, else the server's own words. */
export function failureText(failure: unknown): string {
  const { t, te } = i18n.global
  if (failure instanceof Unreachable) return t('problem.unreachable')
  if (!(failure instanceof ApiProblem)) return t('problem.unknown')
  if (failure.status === 429) return t('problem.tooMany', { n: formatNumber(failure.retryAfterSeconds ?? 60) })
  const field = failure.fields[0]
  const known = [`problem.field.${field?.code}`, `problem.code.${failure.code}`].find((key) => te(key, 'zh-CN'))
  if (known) return t(known)
  if (failure.status >= 500) return t('problem.server')
  return localHalf(failure.detail ?? field?.detail ?? failure.title)
}
