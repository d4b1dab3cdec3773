import { get, getAll, type Call } from './client'
import type { Compliance, GridCodeReading, GridDetail, GridHistory, GridSummary, Me, PairWeek, Patrol } from './types'

/** One function per address of the server that the pages read. */

// A whole county; beyond it the map shows what is in view and search needs the full code.
const MAX_GRIDS = 5000
const MAX_PATROLS = 500
const MAX_PAIRS = 2000
const PAGE = 200 // the largest that the server gives

export const fetchMe = (): Promise<Me> => get('/v1/me')

export const fetchGrids = (call: Call = {}): Promise<GridSummary[]> => getAll('/v1/grids', MAX_GRIDS, paged(call))

export const fetchGrid = (code: string, call: Call = {}): Promise<GridDetail> =>
  get(`/v1/grids/${encodeURIComponent(code)}`, call)

export const fetchHistory = (code: string, call: Call = {}): Promise<GridHistory> =>
  get(`/v1/grids/${encodeURIComponent(code)}/history`, call)

export const readGridCode = (code: string, call: Call = {}): Promise<GridCodeReading> =>
  get(`/v1/grid-codes/${encodeURIComponent(code)}`, call)

/** Week and totals; they cover all pairs, so that the pairs themselves need not come along. */
export const fetchTotals = (call: Call): Promise<Compliance> =>
  get('/v1/compliance', { ...call, query: { ...call.query, limit: 1 } })

/** Week, totals and every pair. */
export async function fetchCompliance(call: Call): Promise<Compliance> {
  const first = await get<Compliance>('/v1/compliance', paged(call))
  if (first.next === null) return first
  const query = { ...paged(call).query, after: first.next }
  const rest = await getAll<PairWeek>('/v1/compliance', MAX_PAIRS, { ...call, query })
  return { ...first, items: [...first.items, ...rest], next: null }
}

export const fetchPatrol = (patrolId: string, call: Call = {}): Promise<Patrol> =>
  get(`/v1/patrols/${encodeURIComponent(patrolId)}`, call)

export const fetchPatrols = (call: Call): Promise<Patrol[]> => getAll('/v1/patrols', MAX_PATROLS, paged(call))

function paged(call: Call): Call {
  return { ...call, query: { ...call.query, limit: PAGE } }
}
