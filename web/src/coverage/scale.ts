import type { CellView, CoverageDays, GridShares, Share, ShareName } from './types'

/**
 * How deep a cell is coloured. One hue from pale to dark, so that it is read without telling hues apart (also in
 * print); what nobody walked is sand, what is unknown is hatched.
 */
export const COVERED_COLOURS = ['#c3dfe6', '#86bccb', '#44899c', '#125361'] as const
export const NOT_COVERED_COLOUR = '#efe3c8'
export const UNKNOWN_COLOUR = '#dcd7ca'

// A grid is walked at least twice a week: the steps grow with the days.
const STEPS: Record<CoverageDays, readonly number[]> = { 7: [1, 2, 3, 5], 30: [1, 3, 6, 10], 90: [1, 7, 15, 30] }

// Larger cells gather more patrols; the zooms are those at which the server's cells change their size.
export const CELL_ZOOMS = [9, 11, 13, 14] as const
const FACTORS = [16, 8, 4, 2, 1] as const

/** From how many visits on each colour is used, at a zoom of the map. */
export function stepsFor(days: CoverageDays, zoom: number): readonly number[] {
  const larger = CELL_ZOOMS.findIndex((from) => zoom < from)
  const factor = FACTORS[larger === -1 ? CELL_ZOOMS.length : larger] ?? 1
  return STEPS[days].map((step, index) => (index === 0 ? step : step * factor))
}

/** "1–2", "3–5", "10+": what each colour stands for. */
export function stepNames(days: CoverageDays, zoom: number): string[] {
  const steps = stepsFor(days, zoom)
  return steps.map((from, index) => {
    const next = steps[index + 1]
    if (next === undefined) return `${from}+`
    return next - 1 === from ? String(from) : `${from}–${next - 1}`
  })
}

/** What a drawn cell says; null for something else. */
export function cellOf(properties: Record<string, unknown>): CellView | null {
  const { cell, state, visits, dwell_s: dwellS, unconfirmed } = properties
  if (state !== 'covered' && state !== 'unknown' && state !== 'not_covered') return null
  return {
    id: String(cell ?? ''),
    state,
    visits: Number(visits ?? 0),
    dwellS: Number(dwellS ?? 0),
    unconfirmed: Number(unconfirmed ?? 0),
  }
}

/** The shares of several grids that do not overlap, as one. */
export function sumOf(grids: readonly GridShares[], name: ShareName): Share {
  const reached = grids.reduce((sum, grid) => sum + grid[name].reached, 0)
  const total = grids.reduce((sum, grid) => sum + grid[name].total, 0)
  return { reached, total, ratio: total ? reached / total : null }
}

export function unknownIn(grids: readonly GridShares[]): number {
  return grids.reduce((sum, grid) => sum + grid.cells_unknown, 0)
}

/** The level whose grids together make up all that somebody sees; floors and counters have no ground. */
export function topLevel(levels: Iterable<number>): 1 | 2 | 3 {
  const top = Math.min(3, ...levels)
  return top <= 1 ? 1 : top === 2 ? 2 : 3
}

/** How fine a cell is: H3 keeps it in four bits of the index. */
export function resolutionOf(cell: string): number {
  return Number((BigInt(`0x${cell}`) >> 52n) & 0xfn)
}
