import { get, type Call, type Query } from '@/shared/api/client'

import type { CoverageSummary } from './types'

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
