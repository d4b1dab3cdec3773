import { fetchCompliance, fetchPatrols, fetchTotals } from '@/shared/api/endpoints'
import type { Assignment, Me, PairWeek, Patrol, WeekInfo } from '@/shared/api/types'
import { explainedMark, explainedPair, type ExplainedPair } from '@/shared/patrol/explain'

export interface OwnGrid {
  code: string
  name: string
}

export interface MyWeek {
  week: WeekInfo
  pairs: ExplainedPair[]
  /** Own patrols in grids that are not (or no longer) one's own: nothing that was walked is hidden. */
  elsewhere: Patrol[]
}

/** The grids somebody answers for, each once. */
export function ownGrids(assignments: readonly Assignment[]): OwnGrid[] {
  const grids = new Map<string, OwnGrid>()
  for (const { grid_code: code, grid_name: name } of assignments) {
    if (code !== null) grids.set(code, { code, name: name ?? code })
  }
  return [...grids.values()]
}

/** One's own week: every own grid with its patrols, also those that are not judged yet. */
export async function loadMyWeek(person: Me, week: string, signal: AbortSignal): Promise<MyWeek> {
  const grids = ownGrids(person.assignments)
  const query = { week }
  const [patrols, ...answers] = await Promise.all([
    fetchPatrols({ query: { week, person: person.person_id }, signal }),
    ...grids.map(({ code }) => fetchCompliance({ query: { ...query, grid: code }, signal })),
  ])
  const { week: info } = answers[0] ?? (await fetchTotals({ query, signal }))
  const mine = answers.flatMap(({ items }) => items).filter((pair) => pair.person.id === person.person_id)
  const pairs = uniquePairs(mine).map((pair) => explainedPair(pair, patrols))
  const shown = new Set(pairs.flatMap((pair) => pair.patrols.map(({ id }) => id)))
  return { week: info, pairs, elsewhere: patrols.filter(({ id }) => !shown.has(id)) }
}

// A head's grid holds the grids below it, so the answers of two own grids may overlap.
function uniquePairs(pairs: readonly PairWeek[]): PairWeek[] {
  return [...new Map(pairs.map((pair) => [pair.grid_code, pair])).values()]
}

/** Whether something is still being judged, so that asking again soon is worth it. */
export function isWaiting({ pairs, elsewhere }: MyWeek): boolean {
  const marks = [...pairs.flatMap((pair) => pair.patrols), ...elsewhere.map(explainedMark)]
  return marks.some(({ status }) => status === 'judging' || status === 'open')
}
