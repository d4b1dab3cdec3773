import { ApiProblem } from '@/shared/api/problem'
import { failureText } from '@/shared/failureText'
import { formatTime } from '@/shared/format'
import { i18n } from '@/shared/i18n'

/** Why signing in failed, and what to do about it. */
export function loginMessage(failure: unknown): string {
  const { t } = i18n.global
  if (!(failure instanceof ApiProblem)) return failureText(failure)
  if (failure.lockedUntil) return t('login.locked', { time: formatTime(failure.lockedUntil) })
  if (failure.status === 429) return failureText(failure)
  if (failure.status === 401) return t('login.wrong')
  return failureText(failure)
}
