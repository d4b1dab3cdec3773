import type { Feature, FeatureCollection, Point } from 'geojson'

import type { GridStatus, GridSummary } from '@/shared/api/types'

import { shortName } from '../useCatalogue'

/** A grid as it is drawn on the map right now. */
export interface GridView {
  code: string
  name: string
  level: number
  status: GridStatus
  due: number
  met: number
  counted: number
  needed: number
  /** Middle of the drawn part; only for grids the catalogue does not know. */
  centre: [number, number]
}

const STATUSES: readonly GridStatus[] = ['none', 'partial', 'met', 'unassigned']
const SHORT_NAME_LEVEL = 3

interface DrawnFeature {
  properties: Record<string, unknown>
  geometry: { type: string; coordinates?: unknown }
}

/** One view per grid, whatever number of tiles it lies in; worst status first, then by name. */
export function viewsOf(features: readonly DrawnFeature[]): GridView[] {
  const views = new Map<string, GridView>()
  const boxes = new Map<string, Box>()
  for (const { properties, geometry } of features) {
    const code = String(properties.code ?? '')
    const box = boundsOf(geometry.coordinates, boxes.get(code))
    boxes.set(code, box)
    const known = views.get(code)
    if (known) known.centre = middleOf(box)
    if (!code || known) continue
    const status = STATUSES.find((known) => known === properties.status) ?? 'unassigned'
    views.set(code, {
      code,
      name: String(properties.name ?? code),
      level: Number(properties.level ?? 0),
      status,
      due: Number(properties.due ?? 0),
      met: Number(properties.met ?? 0),
      counted: Number(properties.counted ?? 0),
      needed: Number(properties.needed ?? 0),
      centre: middleOf(box),
    })
  }
  return [...views.values()].sort(byUrgency)
}

function byUrgency(a: GridView, b: GridView): number {
  return STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status) || a.code.localeCompare(b.code)
}

export function sameViews(a: readonly GridView[], b: readonly GridView[]): boolean {
  return a.length === b.length && a.every((view, index) => sameView(view, b[index]))
}

function sameView(a: GridView, b: GridView | undefined): boolean {
  return b !== undefined && a.code === b.code && a.status === b.status && a.counted === b.counted && a.met === b.met
}

export function countByStatus(views: readonly GridView[]): Record<GridStatus, number> {
  const counts: Record<GridStatus, number> = { met: 0, partial: 0, none: 0, unassigned: 0 }
  for (const view of views) counts[view.status] += 1
  return counts
}

/** One label per grid at its own middle: tiles cut grids apart and would repeat it. */
export function labelsOf(
  views: readonly GridView[],
  byCode: ReadonlyMap<string, GridSummary>,
  showsCounts = true,
): FeatureCollection<Point> {
  const features = views.map((view, rank) => labelOf(view, rank, byCode))
  if (!showsCounts) for (const { properties } of features) if (properties) properties.count = ''
  return { type: 'FeatureCollection', features }
}

function labelOf(view: GridView, rank: number, byCode: ReadonlyMap<string, GridSummary>): Feature<Point> {
  const known = byCode.get(view.code)
  const isSmall = view.level >= SHORT_NAME_LEVEL
  const name = known && isSmall ? shortName(known, byCode) : view.name
  // Small grids count patrols, large ones the people who are done.
  const [done, of] = isSmall ? [view.counted, view.needed] : [view.met, view.due]
  const count = of > 0 ? `\n${done}/${of}` : ''
  return {
    type: 'Feature',
    geometry: { type: 'Point', coordinates: known?.centre ?? view.centre },
    properties: { name, count, rank, level: view.level },
  }
}

function middleOf([west, south, east, north]: Box): [number, number] {
  return [(west + east) / 2, (south + north) / 2]
}

type Box = [west: number, south: number, east: number, north: number]

/** Bounding box of any GeoJSON coordinates, and of `around` where it is given. */
export function boundsOf(coordinates: unknown, around?: Box): Box {
  const box: Box = around ? [...around] : [Infinity, Infinity, -Infinity, -Infinity]
  const visit = (part: unknown): void => {
    if (!Array.isArray(part)) return
    const [lon, lat] = part as unknown[]
    if (typeof lon !== 'number' || typeof lat !== 'number') return part.forEach(visit)
    box[0] = Math.min(box[0], lon)
    box[1] = Math.min(box[1], lat)
    box[2] = Math.max(box[2], lon)
    box[3] = Math.max(box[3], lat)
  }
  visit(coordinates)
  return box
}
