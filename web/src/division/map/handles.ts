import type { Position } from 'geojson'

import { rounded } from './snap'

/** The handles of a long boundary: only the telling vertices; what lies between two that stay put comes back. */

/** More handles than this cannot be told apart on the map, and drawing them takes longer than a drag may. */
export const MOST_HANDLES = 150
// Out of view a few hold the shape together.
const OUTSIDE = 30

export interface Thinned {
  ring: Position[]
  /** The vertices left out, by the two handles that they lie between. */
  between: ReadonlyMap<string, Position[]>
}

export function thinned(ring: readonly Position[], isInView: (place: Position) => boolean): Thinned {
  const places = ring.map(rounded)
  const kept = places.length - 1 <= MOST_HANDLES ? new Set(places.keys()) : telling(places, isInView)
  const between = new Map<string, Position[]>()
  let last = 0
  for (let index = 1; index < places.length; index += 1) {
    if (!kept.has(index)) continue
    if (index - last > 1) between.set(keyOf(places[last], places[index]), places.slice(last + 1, index))
    last = index
  }
  return { ring: places.filter((_, index) => kept.has(index)), between }
}

/** The drawn ring with every vertex that was left out between two handles which are still neighbours. */
export function restored(drawn: readonly Position[], between: Thinned['between']): Position[] {
  return drawn.flatMap((place, index) => {
    const next = drawn[index + 1]
    if (!next) return [place]
    const [from, to] = [rounded(place), rounded(next)]
    const there = between.get(keyOf(from, to)) ?? between.get(keyOf(to, from))?.toReversed() ?? []
    return [place, ...there]
  })
}

const keyOf = (from: Position | undefined, to: Position | undefined): string => `${String(from)}|${String(to)}`

function telling(places: readonly Position[], isInView: (place: Position) => boolean): Set<number> {
  const weights = weightsOf(places)
  const order = [...places.keys()].slice(1, -1).sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0))
  const isSeen = (index: number): boolean => isInView(places[index] ?? [])
  const inside = order.filter(isSeen).slice(0, MOST_HANDLES - OUTSIDE)
  const outside = order.filter((index) => !isSeen(index)).slice(0, OUTSIDE)
  return new Set([0, places.length - 1, ...inside, ...outside])
}

/** How far each vertex stands out, as Douglas and Peucker measure it. */
function weightsOf(places: readonly Position[]): number[] {
  const weights = places.map(() => Infinity)
  const open: [from: number, to: number, limit: number][] = [[0, places.length - 1, Infinity]]
  for (let stretch = open.pop(); stretch; stretch = open.pop()) {
    const [from, to, limit] = stretch
    if (to - from < 2) continue
    const { index, distance } = farthest(places, from, to)
    const weight = (weights[index] = Math.min(limit, distance))
    open.push([from, index, weight], [index, to, weight])
  }
  return weights
}

function farthest(places: readonly Position[], from: number, to: number): { index: number; distance: number } {
  let found = { index: from + 1, distance: -1 }
  for (let index = from + 1; index < to; index += 1) {
    const distance = offLine(places[index] ?? [], places[from] ?? [], places[to] ?? [])
    if (distance > found.distance) found = { index, distance }
  }
  return found
}

function offLine([x = 0, y = 0]: Position, [x1 = 0, y1 = 0]: Position, [x2 = 0, y2 = 0]: Position): number {
  const [dx, dy] = [x2 - x1, y2 - y1]
  const length2 = dx * dx + dy * dy
  const share = length2 ? Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / length2)) : 0
  return Math.hypot(x - x1 - share * dx, y - y1 - share * dy)
}
