import type { BalanceRow } from './types'

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
  /** The households that the norm allows, where there is one. */
  least: number | null
  aim: number | null
  most: number | null
  rows: BalanceRow[]
}

// DB32/T 2763-2015 5.2.4 and 宜政办发〔2011〕74号 三(二)1 as the server reads them in this version of its norms; which grid
// keeps its norm is the server's finding. With another version no band is drawn.
const NORMS: Readonly<Record<string, Readonly<Record<Exclude<Lane['name'], 'other'>, [number, number, number]>>>> = {
  '2026-1': { normal: [200, 300, 400], scattered: [67, 100, 133], group: [27, 40, 55] },
}

/** The grids of a level by the norm that they are measured against. */
export function lanesOf(rows: readonly BalanceRow[], level: number, version: string): Lane[] {
  const lanes = new Map<Lane['name'], BalanceRow[]>()
  for (const row of rows) {
    const name = laneOf(row, level)
    lanes.set(name, [...(lanes.get(name) ?? []), row])
  }
  const inOrder = (['normal', 'scattered', 'group', 'other'] as const).filter((name) => lanes.has(name))
  return inOrder.map((name) => {
    const [least, aim, most] = (name === 'other' ? undefined : NORMS[version]?.[name]) ?? [null, null, null]
    return { name, least, aim, most, rows: lanes.get(name) ?? [] }
  })
}

function laneOf(row: BalanceRow, level: number): Lane['name'] {
  if (level !== 3) return 'other'
  if (row.kind === 'building_group') return 'group'
  return row.is_scattered ? 'scattered' : 'normal'
}

/** Staff per point of difficulty that would be fair, as the server's ratios tell it; null where none does. */
export function fairSlope(rows: readonly BalanceRow[]): number | null {
  const telling = rows.find((row) => row.staff > 0 && row.difficulty > 0 && row.staffing_ratio)
  return telling ? telling.staff / telling.difficulty / (telling.staffing_ratio ?? 1) : null
}
