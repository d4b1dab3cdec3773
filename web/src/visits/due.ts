import type { Door, Due, DueState } from './visitApi'

/** Choosing among households that are due. */

export type Filter = 'all' | 'special' | 'followUp' | 'attempted' | 'done'
export const FILTERS: readonly Filter[] = ['all', 'special', 'followUp', 'attempted', 'done']

/** What the server is asked for; special households stand among three of its states. */
export const STATES: Record<Filter, readonly DueState[]> = {
  all: [],
  special: ['special_due', 'follow_up', 'special_attempted'],
  followUp: ['follow_up'],
  attempted: ['special_attempted', 'attempted'],
  done: ['done'],
}

export function isWanted(due: Due, filter: Filter, text: string): boolean {
  if (filter === 'special' && !due.special) return false
  const { address, building, entrance, room, names } = due.household
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean)
  const said = [building, address, entrance, room, ...names].filter(Boolean).join(' ').toLowerCase()
  return words.every((word) => said.includes(word))
}

/** Nearest first where the server knows how far; else as it came, the most pressing first. */
export function byNearness(items: readonly Due[]): Due[] {
  const far = ({ distance_m }: Due): number => distance_m ?? Number.MAX_SAFE_INTEGER
  return [...items].sort((a, b) => far(a) - far(b))
}

/** How many still wait, from the counts of the whole list. */
export function figuresOf(counts: Record<DueState, number>): Record<'left' | 'special' | 'followUp' | 'attempted', number> {
  const { special_due: special, follow_up: followUp, special_attempted: tried, due, attempted } = counts
  return { left: special + followUp + tried + due + attempted, special: special + tried, followUp, attempted: tried + attempted }
}

/** 12 栋 · 2 单元 · 401 室, as far as it is known. */
export function doorWords(
  door: Pick<Door, 'address' | 'building' | 'entrance' | 'floor' | 'room'>,
  t: (key: string, named: { n: string }) => string,
): { place: string; door: string } {
  const parts = [
    door.entrance && t('visits.entrance', { n: door.entrance }),
    door.room ? t('visits.room', { n: door.room }) : door.floor && t('visits.floor', { n: door.floor }),
  ]
  return { place: door.building ?? door.address ?? '', door: parts.filter(Boolean).join(' ') }
}
