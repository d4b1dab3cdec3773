import type { BalanceRow } from './types'

/** The table of the balance report: what can be sorted, which findings weigh how much. Pure. */

export const COLUMNS = [
  'name',
  'area_m2',
  'households',
  'compounds',
  'entrances',
  'organisations',
  'shops',
  'difficulty',
  'staff',
  'staffing_ratio',
  'findings',
] as const
export type Column = (typeof COLUMNS)[number]

export interface Order {
  by: Column
  descending: boolean
}

/** What a row holds in a column, for sorting; null stands last either way. */
export function valueOf(row: BalanceRow, column: Column): number | string | null {
  switch (column) {
    case 'name':
      return row.code
    case 'findings':
      return row.findings.length
    case 'compounds':
    case 'entrances':
    case 'organisations':
    case 'shops':
      return row.objects[column]
    default:
      return row[column]
  }
}

export function sorted(rows: readonly BalanceRow[], { by, descending }: Order): BalanceRow[] {
  const sign = descending ? -1 : 1
  return [...rows].sort((a, b) => {
    const [one, other] = [valueOf(a, by), valueOf(b, by)]
    if (one === null || other === null) return Number(one === null) - Number(other === null)
    if (typeof one === 'string' || typeof other === 'string') return sign * String(one).localeCompare(String(other))
    return sign * (one - other) || a.code.localeCompare(b.code)
  })
}

/** A click on a heading: figures begin with the largest, names with the first; a second click turns it round. */
export function nextOrder(order: Order, by: Column): Order {
  return order.by === by ? { by, descending: !order.descending } : { by, descending: by !== 'name' }
}

export function matching(rows: readonly BalanceRow[], text: string, finding: string): BalanceRow[] {
  const wanted = text.replace(/\s+/g, '').toLowerCase()
  return rows.filter(
    (row) =>
      (!wanted || row.name.toLowerCase().includes(wanted) || row.code.includes(wanted)) &&
      (finding === '' || (finding === 'any' ? row.findings.length > 0 : row.findings.some(({ code }) => code === finding))),
  )
}

/** Which findings occur how often, the most frequent first. */
export function countFindings(rows: readonly BalanceRow[]): { code: string; count: number }[] {
  const counts = new Map<string, number>()
  for (const { findings } of rows) for (const { code } of findings) counts.set(code, (counts.get(code) ?? 0) + 1)
  return [...counts].map(([code, count]) => ({ code, count })).sort((a, b) => b.count - a.count)
}

export type Weight = 'bad' | 'warn' | 'info'

const WEIGHTS: Readonly<Record<string, Weight>> = {
  'grid-too-large': 'bad',
  'no-staff': 'bad',
  'staff-below-difficulty': 'bad',
  'grid-too-small': 'warn',
  'staff-above-difficulty': 'warn',
}

export function weightOf(finding: string): Weight {
  return WEIGHTS[finding] ?? 'info'
}

/** The share of the largest value in a column, for the small bars: 0 to 1. */
export function shareOfLargest(rows: readonly BalanceRow[], column: Column): (row: BalanceRow) => number {
  const numberIn = (row: BalanceRow): number => Number(valueOf(row, column) ?? 0)
  const largest = Math.max(0, ...rows.map(numberIn))
  return (row) => (largest > 0 ? numberIn(row) / largest : 0)
}
