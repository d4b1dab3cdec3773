import { sortedChecks } from './evidence'
import type { Appeal, Decided, JudgedPatrol, Review } from './types'

/** One thing to look at: a doubted patrol, an appeal, or an appeal about a doubted patrol. */
export interface Matter {
  key: string
  patrolId: string | null
  patrol: JudgedPatrol | null
  appeal: Appeal | null
  review: Review | null
  person: { id: string; name: string }
  gridCode: string
  gridName: string
  startedAt: string
  finishedAt: string | null
  /** Since when somebody waits. */
  since: string
  decided: DecidedBrief | null
}

export type DecidedBrief = Pick<Decided, 'decision' | 'note' | 'by' | 'at'> & Partial<Pick<Decided, 'computed_status'>>

/** What waits for a decision, the longest wait first; an appeal about a doubted patrol is one matter. */
export function openMatters(reviews: readonly Review[], appeals: readonly Appeal[]): Matter[] {
  const mine = appeals.filter((appeal) => appeal.may_decide)
  const doubted = new Map(reviews.map((review) => [review.patrol.id, review]))
  const asked = mine.map((appeal) => ofAppeal(appeal, doubted.get(appeal.patrol_id ?? '') ?? null))
  const taken = new Set(asked.map(({ patrolId }) => patrolId))
  const rest = reviews.filter(({ patrol }) => !taken.has(patrol.id)).map(ofReview)
  return [...asked, ...rest].sort((a, b) => a.since.localeCompare(b.since) || a.key.localeCompare(b.key))
}

/** What was decided, the latest first; withdrawn appeals and the own ones are no decisions of ours. */
export function decidedMatters(reviews: readonly Review[], appeals: readonly Appeal[], ownId: string): Matter[] {
  const byId = new Map(appeals.map((appeal) => [appeal.id, appeal]))
  const told = new Set<string>()
  const judged = reviews.map((review) => {
    const appeal = byId.get(review.decided?.appeal_id ?? '') ?? null
    if (appeal) told.add(appeal.id)
    return { ...ofReview(review), appeal }
  })
  const rest = appeals
    .filter(({ id, decision, person }) => decision && !told.has(id) && person.id !== ownId)
    .map((appeal) => ofAppeal(appeal, null))
  const at = (matter: Matter): string => matter.decided?.at ?? matter.since
  return [...judged, ...rest].sort((a, b) => at(b).localeCompare(at(a)) || a.key.localeCompare(b.key))
}

export function ofReview(review: Review): Matter {
  const { patrol, decided } = review
  return {
    key: `patrol-${patrol.id}`,
    patrolId: patrol.id,
    patrol,
    appeal: null,
    review,
    person: patrol.person,
    gridCode: patrol.grid_code,
    gridName: patrol.grid_name,
    startedAt: patrol.started_at,
    finishedAt: patrol.finished_at,
    since: patrol.finished_at ?? patrol.started_at,
    decided,
  }
}

export function ofAppeal(appeal: Appeal, review: Review | null): Matter {
  return {
    key: `appeal-${appeal.id}`,
    patrolId: appeal.patrol_id,
    patrol: appeal.patrol ?? review?.patrol ?? null,
    appeal,
    review,
    person: appeal.person,
    gridCode: appeal.grid_code,
    gridName: appeal.grid_name,
    startedAt: appeal.started_at,
    finishedAt: appeal.finished_at,
    since: appeal.received_at,
    decided: appeal.decision,
  }
}

/** Whole days that somebody has been waiting. */
export function daysWaiting(since: string, now: number): number {
  return Math.max(0, Math.floor((now - Date.parse(since)) / 86_400_000))
}

/** The one before or behind in the list as it stands; null at its ends. */
export function beside(matters: readonly Matter[], { key }: Pick<Matter, 'key'>, by: 1 | -1): Matter | null {
  const at = matters.findIndex((matter) => matter.key === key)
  return at === -1 ? null : (matters[at + by] ?? null)
}

export const APPEAL = 'appeal'

/** Why it is looked at: an appeal, or the doubts. */
export function whysOf(matter: Matter): string[] {
  const { doubts } = sortedChecks(matter.patrol?.verdict?.results ?? [])
  return [...new Set([...(matter.appeal ? [APPEAL] : []), ...doubts.map(({ code }) => code)])]
}

/** The reasons that occur, with how many matters have each. */
export function reasonsIn(matters: readonly Matter[]): { name: string; n: number }[] {
  const counts = new Map<string, number>()
  for (const name of matters.flatMap(whysOf)) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].map(([name, n]) => ({ name, n })).sort((a, b) => a.name.localeCompare(b.name))
}

/** The matters with a reason, of a person or grid whose name holds a text. */
export function narrowed(matters: readonly Matter[], { why, text }: { why: string; text: string }): Matter[] {
  const wanted = text.trim().toLowerCase()
  return matters.filter(
    (matter) =>
      (why === '' || whysOf(matter).includes(why)) &&
      `${matter.person.name} ${matter.gridName}`.toLowerCase().includes(wanted),
  )
}
