import type { Geometry } from '@/shared/api/types'

import type { CheckpointLeft, TrackFeature } from './myApi'

/** A small drawing of a grid with the path that was walked: no map, nothing to load. */

type Position = [lon: number, lat: number]

export interface Dot {
  x: number
  y: number
  name: string
}

export interface Sketch {
  width: number
  height: number
  /** `d` of SVG paths. */
  grid: string
  walked: string
  gaps: string
  checkIns: Dot[]
  left: Dot[]
}

const WIDTH = 320
const MARGIN = 12
const MIN_HEIGHT = 140
const MAX_HEIGHT = 300

/** Null when there is nothing to draw. */
export function sketchOf(
  grid: Geometry | null,
  features: readonly TrackFeature[],
  left: readonly CheckpointLeft[],
): Sketch | null {
  const rings = ringsOf(grid)
  const walked = linesOf(features, ['walked', 'path'])
  const gaps = linesOf(features, ['gap', 'ride'])
  const all = [...rings, ...walked].flat()
  if (!all.length) return null
  const frame = frameOf(all)
  const path = (lines: Position[][], end: string): string => lines.map((line) => pathOf(line, frame.place) + end).join('')
  return {
    width: WIDTH,
    height: frame.height,
    grid: path(rings, 'Z'),
    walked: path(walked, ''),
    gaps: path(gaps, ''),
    checkIns: features.flatMap((one) => (one.geometry?.type === 'Point' ? [dotOf(one, frame.place)] : [])),
    left: left.map(({ lon, lat, name }) => ({ ...frame.place([lon, lat]), name })),
  }
}

interface Frame {
  height: number
  place: (position: Position) => { x: number; y: number }
}

/** North is up and metres are equal both ways: a degree of longitude is shorter than one of latitude. */
function frameOf(positions: readonly Position[]): Frame {
  const [west, east] = rangeOf(positions.map(([lon]) => lon))
  const [south, north] = rangeOf(positions.map(([, lat]) => lat))
  const squeeze = Math.cos((((south + north) / 2) * Math.PI) / 180)
  const wide = Math.max((east - west) * squeeze, 1e-6)
  const high = Math.max(north - south, 1e-6)
  const scale = Math.min((WIDTH - 2 * MARGIN) / wide, (MAX_HEIGHT - 2 * MARGIN) / high)
  const height = Math.max(MIN_HEIGHT, high * scale + 2 * MARGIN)
  const x0 = (WIDTH - wide * scale) / 2
  const y0 = (height - high * scale) / 2
  return {
    height: Math.round(height),
    place: ([lon, lat]) => ({ x: tenth(x0 + (lon - west) * squeeze * scale), y: tenth(y0 + (north - lat) * scale) }),
  }
}

function rangeOf(values: readonly number[]): [number, number] {
  return values.reduce<[number, number]>(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [
    Infinity,
    -Infinity,
  ])
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10
}

function pathOf(line: readonly Position[], place: Frame['place']): string {
  return line.map((position, index) => `${index ? 'L' : 'M'}${Object.values(place(position)).join(' ')}`).join('')
}

function dotOf({ geometry, properties }: TrackFeature, place: Frame['place']): Dot {
  return { ...place(geometry?.coordinates as Position), name: properties.name ?? '' }
}

function ringsOf(grid: Geometry | null): Position[][] {
  if (grid?.type === 'Polygon') return grid.coordinates as Position[][]
  if (grid?.type === 'MultiPolygon') return (grid.coordinates as Position[][][]).flat()
  return []
}

function linesOf(features: readonly TrackFeature[], kinds: readonly string[]): Position[][] {
  return features.flatMap(({ geometry, properties }) =>
    geometry?.type === 'LineString' && kinds.includes(properties.kind) ? [geometry.coordinates as Position[]] : [],
  )
}
