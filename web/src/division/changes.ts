import type { Action, PlanEvent, PlanStatus, PlannedChange, PlannedGrid, Ref } from './types'

/** The list of changes: figures before and after, and words for what happened. */

export const ACTIONS: readonly Action[] = ['create', 'change', 'retire']

export interface Figure {
  /** Key below `grid`: name, kind, households, area. */
  of: 'name' | 'kind' | 'households' | 'area'
  before: string | number | null
  after: string | number | null
}

// Areas are compared as people read them: a vertex moved by a millimetre is no news.
const AREA_NOISE_M2 = 0.5

/** The figures of a change that differ, or all that a new grid has. */
export function changedFigures(change: PlannedChange): Figure[] {
  const { was } = change
  const pairs: Figure[] = [
    { of: 'name', before: was?.name ?? null, after: change.name },
    { of: 'kind', before: was?.kind ?? null, after: change.kind },
    { of: 'households', before: was?.households ?? null, after: change.households },
    { of: 'area', before: was?.area_m2 ?? null, after: change.area_m2 },
  ]
  if (change.action === 'retire') return pairs.filter(({ of }) => of === 'households' || of === 'area')
  if (!was) return pairs.filter(({ of, after }) => of !== 'name' && after !== null)
  return pairs.filter(isDifferent)
}

function isDifferent({ of, before, after }: Figure): boolean {
  if (of === 'area' && typeof before === 'number' && typeof after === 'number')
    return Math.abs(before - after) > AREA_NOISE_M2
  return before !== after
}

/** Changes by level, within it new before changed before retired, then by name. */
export function sortedChanges(changes: readonly PlannedChange[]): PlannedChange[] {
  return [...changes].sort(
    (a, b) =>
      a.level - b.level ||
      ACTIONS.indexOf(a.action) - ACTIONS.indexOf(b.action) ||
      a.name.localeCompare(b.name, 'zh-CN', { numeric: true }),
  )
}

export function matches(change: PlannedChange, text: string): boolean {
  const wanted = text.trim().toLowerCase()
  return !wanted || change.name.toLowerCase().includes(wanted) || (change.code ?? '').includes(wanted)
}

/** How many grids of a level stand under each action once the plan holds. */
export function countActions(grids: readonly PlannedGrid[]): Record<Action | 'same', number> {
  const counts = { same: 0, create: 0, change: 0, retire: 0 }
  for (const { action } of grids) counts[action ?? 'same'] += 1
  return counts
}

/** A name for a reference; what is not drawn is named by its code. */
export function nameOf(ref: Ref, grids: ReadonlyMap<Ref, PlannedGrid>): string {
  return grids.get(ref)?.name ?? ref
}

export const STATUS_TONES: Record<PlanStatus, 'unassigned' | 'partial' | 'met' | 'none'> = {
  draft: 'unassigned',
  submitted: 'partial',
  approved: 'met',
  withdrawn: 'none',
}

/** The note that came with an event, for example with a return. */
export function noteOf(event: PlanEvent): string | null {
  const { note } = event.detail
  return typeof note === 'string' && note.trim() ? note : null
}

/** The newest return of a draft that was not submitted again since: what the officer has to put right. */
export function openReturn(events: readonly PlanEvent[]): PlanEvent | null {
  const last = events.findLast(({ event }) => event === 'submitted' || event === 'returned')
  return last?.event === 'returned' ? last : null
}
