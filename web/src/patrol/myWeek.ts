import { fetchCompliance, fetchPatrols, fetchTotals } from '@/shared/api/endpoints'
import type { Assignment, Me, PairWeek, Patrol, WeekInfo } from '@/shared/api/types'
import { currentWeek } from '@/shared/format/week'
import { explainedMark, explainedPair, type ExplainedPair } from '@/shared/patrol/explain'

import { fetchAppeals, fetchDue, fetchDuties, type Appeal, type DueItem, type DutyItem } from './myApi'

export interface OwnGrid {
  code: string
  name: string
}

export interface MyWeek {
  week: WeekInfo
  pairs: ExplainedPair[]
  /** Own patrols in grids that are not (or no longer) one's own: nothing that was walked is hidden. */
  elsewhere: Patrol[]
  appeals: Appeal[]
  duties: DutyItem[]
  due: DueItem[]
}

const PATROLS = 'patrols' // code of the duty of clause 11.2.1
const MANY = 100

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
  const mine = { person: person.person_id }
  const duty = { ...mine, duty: PATROLS }
  const [patrols, appeals, duties, due, ...answers] = await Promise.all([
    fetchPatrols({ query: { week, ...mine }, signal }),
    fetchAppeals({ week, ...mine, limit: MANY }, { signal }),
    fetchDuties({ period: week, ...duty }, { signal }),
    week === currentWeek() ? fetchDue(duty, { signal }) : [],
    ...grids.map(({ code }) => fetchCompliance({ query: { ...query, grid: code }, signal })),
  ])
  const { week: info } = answers[0] ?? (await fetchTotals({ query, signal }))
  const own = answers.flatMap(({ items }) => items).filter((pair) => pair.person.id === person.person_id)
  const pairs = uniquePairs(own).map((pair) => explainedPair(pair, patrols))
  const shown = new Set(pairs.flatMap((pair) => pair.patrols.map(({ id }) => id)))
  const elsewhere = patrols.filter(({ id }) => !shown.has(id))
  return { week: info, pairs, elsewhere, appeals: appeals.items, duties, due }
}

// A head's grid holds the grids below it, so the answers of two own grids may overlap.
function uniquePairs(pairs: readonly PairWeek[]): PairWeek[] {
  return [...new Map(pairs.map((pair) => [pair.grid_code, pair])).values()]
}

/** Whether something is still being judged, so that asking again soon is worth it. */
export function isWaiting({ pairs, elsewhere }: Pick<MyWeek, 'pairs' | 'elsewhere'>): boolean {
  const marks = [...pairs.flatMap((pair) => pair.patrols), ...elsewhere.map(explainedMark)]
  return marks.some(({ status }) => status === 'judging' || status === 'open')
}
