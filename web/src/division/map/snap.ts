import type { Position } from 'geojson'

import type { Area } from '../types'

/** Snapping to boundaries that are there already, so that neighbours share their vertices. */

interface Pixel {
  x: number
  y: number
}
export type ToPixel = (lon: number, lat: number) => Pixel

const VERTEX_PX = 12
const EDGE_PX = 8

/** All rings of some areas, outer and inner alike. */
export function ringsOf(areas: readonly Area[]): Position[][] {
  return areas.flatMap((area) => (area.type === 'Polygon' ? area.coordinates : area.coordinates.flat()))
}

/** The place on a ring that a pointer means: a vertex nearby, else the nearest place of an edge, else none. */
export function snapped(pointer: Position, rings: readonly Position[][], toPixel: ToPixel): Position | undefined {
  const at = toPixel(pointer[0] ?? 0, pointer[1] ?? 0)
  let vertex: { place: Position; distance: number } | undefined
  let edge: { place: Position; distance: number } | undefined
  for (const ring of rings) {
    let before: { place: Position; pixel: Pixel } | undefined
    for (const place of ring) {
      const pixel = toPixel(place[0] ?? 0, place[1] ?? 0)
      const distance = Math.hypot(pixel.x - at.x, pixel.y - at.y)
      if (distance <= VERTEX_PX && distance < (vertex?.distance ?? Infinity)) vertex = { place, distance }
      if (before) {
        const near = nearestOnEdge(at, before, { place, pixel })
        if (near.distance <= EDGE_PX && near.distance < (edge?.distance ?? Infinity)) edge = near
      }
      before = { place, pixel }
    }
  }
  return (vertex ?? edge)?.place
}

interface Corner {
  place: Position
  pixel: Pixel
}

function nearestOnEdge(at: Pixel, from: Corner, to: Corner): { place: Position; distance: number } {
  const [dx, dy] = [to.pixel.x - from.pixel.x, to.pixel.y - from.pixel.y]
  const length2 = dx * dx + dy * dy
  const along = length2 ? ((at.x - from.pixel.x) * dx + (at.y - from.pixel.y) * dy) / length2 : 0
  const share = Math.min(1, Math.max(0, along))
  const distance = Math.hypot(from.pixel.x + share * dx - at.x, from.pixel.y + share * dy - at.y)
  return { place: [between(from.place, to.place, share, 0), between(from.place, to.place, share, 1)], distance }
}

function between(from: Position, to: Position, share: number, axis: 0 | 1): number {
  return (from[axis] ?? 0) + share * ((to[axis] ?? 0) - (from[axis] ?? 0))
}

// A tenth of a millimetre: the grid on which the server computes.
const DIGITS = 9

export function rounded(place: Position): Position {
  return place.slice(0, 2).map((degrees) => Number(degrees.toFixed(DIGITS)))
}
