import type { PairWeek, Patrol, PatrolMark, Reason } from '../api/types'

/** A patrol of the weekly count with everything that speaks against it. */
export interface ExplainedMark extends PatrolMark {
  /** Empty when it counts or is not judged yet. */
  reasons: Reason[]
}

export interface ExplainedPair extends Omit<PairWeek, 'patrols'> {
  patrols: ExplainedMark[]
}

/** The checks that failed say more than "not valid"; without any, the reason of the weekly count stands. */
function reasonsAgainst(mark: PatrolMark, patrol: Patrol | undefined): Reason[] {
  if (mark.counted === true) return []
  const failed = patrol?.verdict?.results.filter((check) => !check.passed) ?? []
  if (failed.length) return failed
  return mark.reason ? [mark.reason] : []
}

export function explainedMark(patrol: Patrol): ExplainedMark {
  const { id, started_at, state, verdict } = patrol
  // While late segments are judged, the old verdict is no news any more.
  if (state !== 'judged' || !verdict) return { id, started_at, status: state, counted: null, reason: null, reasons: [] }
  const { status, counted, not_counted_reason: reason } = verdict
  const mark: PatrolMark = { id, started_at, status, counted, reason }
  return { ...mark, reasons: reasonsAgainst(mark, patrol) }
}

/** The pair with its reasons, and with the patrols that the weekly count does not list yet. */
export function explainedPair(pair: PairWeek, patrols: readonly Patrol[]): ExplainedPair {
  const mine = patrols.filter(({ grid_code, person }) => grid_code === pair.grid_code && person.id === pair.person.id)
  const byId = new Map(mine.map((patrol) => [patrol.id, patrol]))
  const listed = pair.patrols.map((mark) => ({ ...mark, reasons: reasonsAgainst(mark, byId.get(mark.id)) }))
  const known = new Set(listed.map(({ id }) => id))
  const further = mine.filter(({ id }) => !known.has(id)).map(explainedMark)
  const all = [...listed, ...further].sort((a, b) => a.started_at.localeCompare(b.started_at))
  return { ...pair, patrols: all }
}
