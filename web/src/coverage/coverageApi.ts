import { download, get, type Call, type Download, type Query } from '@/shared/api/client'

import { resolutionOf } from './scale'
import type { CoverageSummary, HeatCell } from './types'

const PAGE = 200
const MOST = 2000

/** The shares of all grids asked for, all pages. */
export async function fetchCoverageSummary(query: Query, call: Call = {}): Promise<CoverageSummary> {
  const ask = (after: string | null): Promise<CoverageSummary> =>
    get('/v1/coverage/summary', { timeoutMs: 60_000, ...call, query: { ...query, limit: PAGE, after } })
  const first = await ask(null)
  const items = [...first.items]
  let { next } = first
  while (next !== null && items.length < MOST) {
    const page = await ask(next)
    items.push(...page.items)
    next = page.next
  }
  return { ...first, items, next }
}

export const downloadCoverage = (query: Query, format: 'csv' | 'xlsx'): Promise<Download> =>
  download('/v1/coverage/summary/export', { timeoutMs: 60_000, query: { ...query, format } })

/** The day of the last patrol that counts in a cell of a grid; null when there was none or it is not told. */
export async function fetchLastVisit(grid: string, cell: string, days: number, call: Call = {}): Promise<string | null> {
  const query = { grid, days, resolution: resolutionOf(cell) }
  const { cells } = await get<{ cells: HeatCell[] }>('/v1/coverage', { timeoutMs: 60_000, ...call, query })
  return cells.find((one) => one.cell === cell)?.last_visit_on ?? null
}
