import { download, get, write, type Call, type Download, type Query } from '@/shared/api/client'
import type { Page } from '@/shared/api/types'

import type { Compliance, DueItem, Duties, DutyItem, DutyRule, DutyTotal } from './types'

const PAGE = 200
const MOST = 3000
const LONG_MS = 60_000

/** All pages of a reply whose other members are the same on each. */
async function whole<Reply extends Page<unknown>>(path: string, query: Query, call: Call): Promise<Reply> {
  const ask = (after: string | null): Promise<Reply> =>
    get(path, { timeoutMs: LONG_MS, ...call, query: { ...query, limit: PAGE, after } })
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

export const fetchCompliance = (query: Query, call: Call = {}): Promise<Compliance> =>
  whole('/v1/compliance', query, call)

export const downloadCompliance = (query: Query, format: 'csv' | 'xlsx'): Promise<Download> =>
  download('/v1/compliance/export', { timeoutMs: LONG_MS, query: { ...query, format } })

export const fetchDuties = (query: Query, call: Call = {}): Promise<Duties & Page<DutyItem>> =>
  whole('/v1/duties', query, call)

/** How all duties stand, without their subjects. */
export const fetchDutyTotals = (query: Query, call: Call = {}): Promise<DutyTotal[]> =>
  get<Duties>('/v1/duties', { timeoutMs: LONG_MS, ...call, query: { ...query, limit: 1 } }).then(({ totals }) => totals)

export const fetchDue = (query: Query, call: Call = {}): Promise<Page<DueItem>> =>
  get('/v1/duties/due', { timeoutMs: LONG_MS, ...call, query })

export const fetchRules = (call: Call = {}): Promise<DutyRule[]> =>
  get<{ items: DutyRule[] }>('/v1/duty-rules', call).then(({ items }) => items)

/** `seen` is the newest rule of the same part as it is known here, so that nobody's change is overwritten unseen. */
export const putRule = (code: string, body: Query, seen: number | null): Promise<unknown> =>
  write('PUT', `/v1/duty-rules/${code}`, { body, headers: seen === null ? {} : { 'If-Match': `"${seen}"` } })

export const deleteRule = (id: number): Promise<unknown> => write('DELETE', `/v1/duty-rules/${id}`)
