import { get, getAll, type Call } from './client'
import type { Compliance, GridCodeReading, GridDetail, GridSummary, Me, PairWeek, Patrol } from './types'

/** One function per address of the server that the pages read. */

// A whole county; beyond it the map shows what is in view and search needs the full code.
const MAX_GRIDS = 5000
const MAX_PATROLS = 500
const MAX_PAIRS = 2000

export const fetchMe = (): Promise<Me> => get('/v1/me')

export const fetchGrids = (call: Call = {}): Promise<GridSummary[]> => getAll('/v1/grids', MAX_GRIDS, call)

export const fetchGrid = (code: string, call: Call = {}): Promise<GridDetail> =>
  get(`/v1/grids/${encodeURIComponent(code)}`, call)

export const readGridCode = (code: string, call: Call = {}): Promise<GridCodeReading> =>
  get(`/v1/grid-codes/${encodeURIComponent(code)}`, call)

export const fetchCompliance = (call: Call): Promise<Compliance> => get('/v1/compliance', call)

/** Week, totals and every pair of the answer, not only its first page. */
export async function fetchWholeCompliance(call: Call): Promise<Compliance> {
  const first = await fetchCompliance(call)
  if (first.next === null) return first
  const query = { ...call.query, after: first.next }
  const rest = await getAll<PairWeek>('/v1/compliance', MAX_PAIRS, { ...call, query })
  return { ...first, items: [...first.items, ...rest], next: null }
}

export const fetchPatrol = (patrolId: string, call: Call = {}): Promise<Patrol> =>
  get(`/v1/patrols/${encodeURIComponent(patrolId)}`, call)

export const fetchPatrols = (call: Call): Promise<Patrol[]> => getAll('/v1/patrols', MAX_PATROLS, call)
