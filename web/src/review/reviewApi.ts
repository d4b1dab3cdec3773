import { download, get, getAll, write, type Call } from '@/shared/api/client'

import type { Appeal, Decided, JudgedPatrol, Review, Ruling, TrackDocument } from './types'

const PAGE = 200
const MOST = 1000

type State = 'open' | 'decided'

export const fetchReviews = (state: State, grid: string | null, call: Call = {}): Promise<Review[]> =>
  getAll('/v1/reviews', MOST, { ...call, query: { state, grid, limit: PAGE } })

export const fetchAppeals = (state: State, grid: string | null, call: Call = {}): Promise<Appeal[]> =>
  getAll('/v1/appeals', MOST, { ...call, query: { state, grid, limit: PAGE } })

export const fetchAppeal = (id: string, call: Call = {}): Promise<Appeal> => get(`/v1/appeals/${id}`, call)

export const fetchJudged = (id: string, call: Call = {}): Promise<JudgedPatrol> => get(`/v1/patrols/${id}`, call)

/** The patrols of a doubt that one may see, by id. */
export async function fetchOthers(ids: readonly string[], call: Call = {}): Promise<Map<string, JudgedPatrol>> {
  const found = await Promise.all(ids.map((id) => fetchJudged(id, call).catch(() => null)))
  return new Map(found.flatMap((patrol) => (patrol ? [[patrol.id, patrol] as const] : [])))
}

export const fetchDecisions = (patrolId: string, call: Call = {}): Promise<Decided[]> =>
  get<{ items: Decided[] }>(`/v1/patrols/${patrolId}/decisions`, call).then(({ items }) => items)

export const decideAppeal = (id: string, decision: Ruling, note: string): Promise<unknown> =>
  write('POST', `/v1/appeals/${id}/decision`, { body: { decision, note } })

export const decideReview = (patrolId: string, decision: Ruling, note: string): Promise<unknown> =>
  write('POST', `/v1/patrols/${patrolId}/review`, { body: { decision, note } })

/** Each look at somebody's track leaves a line in the trail. */
export const fetchTrack = (patrolId: string, reason: 'review' | 'appeal', call: Call = {}): Promise<TrackDocument> =>
  get(`/v1/patrols/${patrolId}/track`, { ...call, query: { reason } })

export const fetchPhoto = (hash: string, size: 'thumb' | 'full', call: Call = {}): Promise<Blob> =>
  download(`/v1/photos/${hash}`, { ...call, query: { size } }).then(({ content }) => content)
