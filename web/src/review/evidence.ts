import type { Matter } from './queue'
import type { JudgedCheck, OtherPatrol } from './types'

/** Of the checks of a patrol those of the policy, what is doubtful, and what else there is to know. */
export interface Sorted {
  checks: JudgedCheck[]
  doubts: JudgedCheck[]
  notes: JudgedCheck[]
}

export function sortedChecks(results: readonly JudgedCheck[]): Sorted {
  const of = (kind: JudgedCheck['kind']): JudgedCheck[] => results.filter((check) => check.kind === kind)
  return { checks: of('check'), doubts: of('doubt'), notes: of('note') }
}

/** The patrols that a doubt points at. What is missing there, the reader may not see. */
export function othersIn(doubt: JudgedCheck): OtherPatrol[] {
  const { patrols } = doubt.evidence
  if (!Array.isArray(patrols)) return []
  return patrols.filter((one): one is OtherPatrol => typeof one === 'object' && one !== null && 'id' in one)
}

/** Plain facts beside a doubt, such as how wrong the clock was, by the names of their words. */
export function factsIn(doubt: JudgedCheck): { name: string; n: number }[] {
  const { clock_offset_s: offset, checkpoints, fixes, unseen_patrols: unseen } = doubt.evidence
  const facts: { name: string; n: number }[] = []
  if (typeof offset === 'number') facts.push({ name: offset < 0 ? 'behind' : 'ahead', n: Math.abs(offset) })
  if (Array.isArray(checkpoints)) facts.push({ name: 'plates', n: checkpoints.length })
  if (typeof fixes === 'number') facts.push({ name: 'jumps', n: fixes })
  if (typeof unseen === 'number' && unseen > 0) facts.push({ name: 'unseen', n: unseen })
  return facts
}

/** Every other patrol that the doubts of a matter name, each once. */
export function othersOf(matter: Matter): OtherPatrol[] {
  const doubts = sortedChecks(matter.patrol?.verdict?.results ?? []).doubts
  const byId = new Map(doubts.flatMap(othersIn).map((one) => [one.id, one]))
  return [...byId.values()]
}

/** A rejection needs a reason; an acceptance may have one. */
export function mayRule(decision: 'accepted' | 'rejected', note: string): boolean {
  return decision === 'accepted' || note.trim() !== ''
}
