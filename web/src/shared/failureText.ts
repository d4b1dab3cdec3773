import { ApiProblem, Unreachable } from './api/problem'
import { formatNumber } from './format'
import { i18n } from './i18n'

/** One sentence for people about a failed request; known codes in their language, else the server's own words. */
export function failureText(failure: unknown): string {
  const { t, te } = i18n.global
  if (failure instanceof Unreachable) return t('problem.unreachable')
  if (!(failure instanceof ApiProblem)) return t('problem.unknown')
  if (failure.status === 429) return t('problem.tooMany', { n: formatNumber(failure.retryAfterSeconds ?? 60) })
  const key = `problem.code.${failure.code}`
  if (te(key) || te(key, 'zh-CN')) return t(key)
  if (failure.status >= 500) return t('problem.server')
  const field = failure.fields[0]
  return failure.detail ?? field?.detail ?? failure.title
}
