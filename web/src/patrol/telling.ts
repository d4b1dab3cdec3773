import type { FullCheck, FullVerdict } from './myApi'

/** What a verdict has to tell, sorted as a walker reads it. */

export interface Line {
  key: string
  mark: 'yes' | 'no' | 'ask' | 'note'
  text: { zh: string; en: string }
}

export interface Told {
  checks: Line[]
  doubts: Line[]
  notes: Line[]
}

export function toldOf(results: readonly FullCheck[]): Told {
  const lines = (kind: FullCheck['kind'], mark: (check: FullCheck) => Line['mark']): Line[] =>
    results
      .filter((check) => check.kind === kind)
      .map((check, index) => ({ key: `${check.code} ${index}`, mark: mark(check), text: check }))
  return {
    // What fails goes first: that is what somebody asks.
    checks: lines('check', ({ passed }) => (passed ? 'yes' : 'no')).sort((a, b) => rank(a) - rank(b)),
    doubts: lines('doubt', ({ passed }) => (passed ? 'yes' : 'ask')),
    notes: lines('note', () => 'note'),
  }
}

function rank({ mark }: Line): number {
  return mark === 'no' ? 0 : 1
}

/** Whether it makes sense to ask that this patrol count: it does not, and nobody has accepted it. */
export function mayAppeal(verdict: FullVerdict | null, hasOpenAppeal: boolean): boolean {
  if (!verdict || hasOpenAppeal || verdict.decision === 'accepted') return false
  return verdict.status === 'invalid' || verdict.status === 'pending_review'
}
