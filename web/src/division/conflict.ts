import { ApiProblem } from '@/shared/api/problem'

/** Somebody else changed the plan first: who, and when. */
export interface Conflict {
  by: string | null
  at: string | null
}

export function conflictOf(failure: unknown): Conflict | null {
  if (!(failure instanceof ApiProblem) || failure.status !== 412) return null
  const { changed_by: by, changed_at: at } = failure.extra
  return {
    by: typeof by === 'string' && by ? by : null,
    at: typeof at === 'string' && !Number.isNaN(Date.parse(at)) ? at : null,
  }
}
