import type { FeatureCollection, Point, Position } from 'geojson'

import { boundsOf } from '@/command/map/views'

import type { Area, Fault, Faults, PlannedFeature, PlannedGrid, PlannedWorld, Ref } from '../types'

/** What the map is given: points to write names at, rings around small faults, the chosen grids. */

export const NOTHING = { type: 'FeatureCollection' as const, features: [] }

/** A place well inside: the middle of the widest stretch of the line through the middle of the box. */
export function labelPoint(area: Area): Position {
  const [west, south, east, north] = boundsOf(area.coordinates)
  const lat = (south + north) / 2
  const polygons = area.type === 'Polygon' ? [area.coordinates] : area.coordinates
  let best: [number, number] = [west, east]
  let widest = -1
  for (const rings of polygons) {
    const crossings = rings.flatMap((ring) => crossingsOf(ring, lat)).sort((a, b) => a - b)
    for (let index = 0; index + 1 < crossings.length; index += 2) {
      const [from = west, to = east] = [crossings[index], crossings[index + 1]]
      if (to - from > widest) [widest, best] = [to - from, [from, to]]
    }
  }
  return [(best[0] + best[1]) / 2, lat]
}

/** The grid of the world that a place lies in. */
export function gridAt(world: PlannedWorld, [lon = 0, lat = 0]: Position): Ref | null {
  const found = world.features.find(({ geometry, properties }) => {
    if (!geometry || properties.action === 'retire') return false
    const rings = geometry.type === 'Polygon' ? geometry.coordinates : geometry.coordinates.flat()
    return rings.flatMap((ring) => crossingsOf(ring, lat)).filter((x) => x > lon).length % 2 === 1
  })
  return found?.properties.ref ?? null
}

function crossingsOf(ring: readonly Position[], lat: number): number[] {
  const found: number[] = []
  for (let index = 0; index + 1 < ring.length; index += 1) {
    const [x1 = 0, y1 = 0] = ring[index] ?? []
    const [x2 = 0, y2 = 0] = ring[index + 1] ?? []
    if (y1 > lat !== y2 > lat) found.push(x1 + ((lat - y1) / (y2 - y1)) * (x2 - x1))
  }
  return found
}

/** Names at places inside; a retired grid whose ground others took keeps silent. */
export function namesOf(world: PlannedWorld): FeatureCollection<Point, PlannedGrid> {
  return {
    type: 'FeatureCollection',
    features: world.features.flatMap(({ geometry, properties }) =>
      geometry && properties.action !== 'retire'
        ? [{ type: 'Feature' as const, geometry: { type: 'Point' as const, coordinates: labelPoint(geometry) }, properties }]
        : [],
    ),
  }
}

export function featuresOf(world: PlannedWorld, refs: readonly Ref[]): PlannedFeature[] {
  return world.features.filter(({ properties }) => refs.includes(properties.ref))
}

export interface FaultMark {
  kind: string
  index: number
  chosen: boolean
}

export function faultMarks(faults: Faults, chosen: number | null): FeatureCollection<Area, FaultMark> {
  return {
    type: 'FeatureCollection',
    features: faults.features.map((fault, index) => ({
      type: 'Feature',
      geometry: fault.geometry,
      properties: { kind: fault.properties.kind, index, chosen: index === chosen },
    })),
  }
}

export function faultPoints(faults: Faults, chosen: number | null): FeatureCollection<Point, FaultMark> {
  return {
    type: 'FeatureCollection',
    features: faults.features.map((fault, index) => ({
      type: 'Feature',
      geometry: { type: 'Point', coordinates: middleOf(fault) },
      properties: { kind: fault.properties.kind, index, chosen: index === chosen },
    })),
  }
}

function middleOf({ geometry }: Fault): Position {
  return labelPoint(geometry)
}
