/** Coverage as the server sends it. */

export const COVERAGE_DAYS = [7, 30, 90] as const
export type CoverageDays = (typeof COVERAGE_DAYS)[number]
export type CellState = 'covered' | 'unknown' | 'not_covered'

/** A cell under the pointer. */
export interface CellView {
  /** Its H3 index. */
  id: string
  state: CellState
  visits: number
  dwellS: number
  unconfirmed: number
}

/** One cell of the heatmap as a list. */
export interface HeatCell {
  cell: string
  last_visit_on: string | null
}

export interface Share {
  reached: number
  total: number
  ratio: number | null
}

export const SHARES = ['cells', 'checkpoints', 'buildings', 'households', 'registered_households'] as const
export type ShareName = (typeof SHARES)[number]

export interface GridShares extends Record<ShareName, Share> {
  code: string
  name: string
  level: number
  cells_unknown: number
  buildings_without_households: number
}

export interface Denominator {
  code: string
  zh: string
  en: string
}

export interface CoverageSummary {
  first_day: string
  last_day: string
  level: number
  items: GridShares[]
  next: string | null
  denominators: Denominator[]
}
