import { download, get, type Call, type Download } from '@/shared/api/client'
import type { Page } from '@/shared/api/types'

import type { Balance, Coverage, Orphan } from './types'

const PAGE = 200
const MAX_ROWS = 5000
const LONG_MS = 60_000

export interface BalanceQuery {
  level: number
  on: string
  /** Either a street or a grid with all below it. */
  street?: string
  grid?: string
}

/** The whole report, all its pages. */
export async function fetchBalance(wanted: BalanceQuery, call: Call = {}): Promise<Balance> {
  const ask = (after: string | null): Promise<Balance> =>
    get('/v1/analysis/balance', { timeoutMs: LONG_MS, ...call, query: { ...wanted, limit: PAGE, after } })
  const whole = await ask(null)
  const items = [...whole.items]
  let { next } = whole
  while (next !== null && items.length < MAX_ROWS) {
    const page = await ask(next)
    items.push(...page.items)
    next = page.next
  }
  return { ...whole, items, next: null }
}

export const downloadBalance = (wanted: BalanceQuery, format: 'xlsx' | 'csv'): Promise<Download> =>
  download('/v1/analysis/balance/table', { timeoutMs: LONG_MS, query: { ...wanted, format } })

export const fetchCoverage = (street: string, on: string, call: Call = {}): Promise<Coverage> =>
  get('/v1/analysis/coverage', { timeoutMs: LONG_MS, ...call, query: { street, on } })

export const fetchOrphans = (query: Record<string, string | number | null>, call: Call = {}): Promise<Page<Orphan>> =>
  get('/v1/analysis/orphans', { timeoutMs: LONG_MS, ...call, query: { limit: 50, ...query } })
