import type { BalanceRow, Norm } from './types'

/** Geometry of the two plots. Pure: rows in, positions out. */

export interface Dot {
  row: BalanceRow
  x: number
  y: number
  tone: 'fine' | 'warn' | 'bad'
}

export interface Scale {
  (value: number): number
  ticks: number[]
  max: number
}

/** From zero to a round number at or above the largest value. */
export function scaleFor(largest: number, from: number, to: number, wanted = 5): Scale {
  const step = niceStep(Math.max(largest, 1e-9) / wanted)
  const max = Math.max(step, Math.ceil(largest / step - 1e-9) * step)
  const count = Math.round(max / step)
  const place = (value: number): number => from + ((to - from) * value) / max
  return Object.assign(place, { ticks: Array.from({ length: count + 1 }, (_, index) => tidy(index * step)), max })
}

function niceStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw))
  const digit = [1, 2, 2.5, 5, 10].find((one) => one * power >= raw * (1 - 1e-9)) ?? 10
  return digit * power
}

const tidy = (value: number): number => Number(value.toPrecision(12))

/** Offsets across the line that keep dots of one radius apart, each as near to the line as the ones before allow. */
export function swarm(places: readonly number[], radius: number, most: number): number[] {
  const offsets = places.map(() => 0)
  const laid: { x: number; y: number }[] = []
  const order = places.map((_, index) => index).sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0))
  for (const index of order) {
    const x = places[index] ?? 0
    const near = laid.filter((dot) => Math.abs(dot.x - x) < 2 * radius)
    const isFree = (y: number): boolean => near.every((dot) => (dot.x - x) ** 2 + (dot.y - y) ** 2 >= 4 * radius ** 2)
    const y = tries(radius, most).find(isFree) ?? 0
    offsets[index] = y
    laid.push({ x, y })
  }
  return offsets
}

function tries(radius: number, most: number): number[] {
  const steps = Math.floor(most / (radius / 2))
  return Array.from({ length: 2 * steps + 1 }, (_, index) => (index % 2 ? 1 : -1) * Math.ceil(index / 2) * (radius / 2))
}

export interface Lane {
  name: 'normal' | 'scattered' | 'group' | 'other'
  /** The households that these grids should have, where there is a norm. */
  norm: Norm | null
  rows: BalanceRow[]
}

/** The grids by the norm that they are measured against; those without one last. */
export function lanesOf(rows: readonly BalanceRow[]): Lane[] {
  const lanes = new Map<string, Lane>()
  for (const row of rows) {
    const key = row.norm ? `${row.norm.least} ${row.norm.most}` : ''
    const lane = lanes.get(key) ?? { name: laneOf(row), norm: row.norm, rows: [] }
    lane.rows.push(row)
    lanes.set(key, lane)
  }
  return [...lanes.values()].sort((a, b) => (b.norm?.aim ?? -1) - (a.norm?.aim ?? -1))
}

function laneOf(row: BalanceRow): Lane['name'] {
  if (!row.norm) return 'other'
  if (row.kind === 'building_group') return 'group'
  return row.is_scattered ? 'scattered' : 'normal'
}

/** Staff per point of difficulty that would be fair, as the server's ratios tell it; null where none does. */
export function fairSlope(rows: readonly BalanceRow[]): number | null {
  const telling = rows.find((row) => row.staff > 0 && row.difficulty > 0 && row.staffing_ratio)
  return telling ? telling.staff / telling.difficulty / (telling.staffing_ratio ?? 1) : null
}
