import type { ExpressionSpecification, LayerSpecification, Map as MapLibreMap } from 'maplibre-gl'

import { replaceTiles, vectorSource } from '@/command/map/createMap'
import { hatchImage } from '@/command/map/hatch'
import { FILL, FILL_HATCH, HATCH, TOUCH } from '@/command/map/style'
import type { TileSet } from '@/command/useTiles'

import { CELL_ZOOMS, COVERED_COLOURS, NOT_COVERED_COLOUR, UNKNOWN_COLOUR, stepsFor } from './scale'
import type { CoverageDays } from './types'

/** The heatmap inside the command map: cells above the ground, below every line and name. */

export const COVERAGE = 'coverage'
export const CELLS = 'coverage-cells'
const UNKNOWN = 'coverage-unknown'
const EDGES = 'coverage-edges'

export function cellColour(days: CoverageDays): ExpressionSpecification {
  const at = (zoom: number): ExpressionSpecification => colourAt(days, zoom)
  const larger = CELL_ZOOMS.flatMap((zoom) => [zoom, at(zoom)])
  return ['step', ['zoom'], at(0), ...larger] as unknown as ExpressionSpecification
}

function colourAt(days: CoverageDays, zoom: number): ExpressionSpecification {
  const [, ...steps] = stepsFor(days, zoom)
  const [first, ...colours] = COVERED_COLOURS
  const deep = steps.flatMap((step, index) => [step, colours[index] ?? first])
  const covered = ['step', ['get', 'visits'], first, ...deep] as unknown as ExpressionSpecification
  return ['match', ['get', 'state'], 'covered', covered, 'unknown', UNKNOWN_COLOUR, NOT_COVERED_COLOUR]
}

function cellLayers(days: CoverageDays): LayerSpecification[] {
  const tile = { source: COVERAGE, 'source-layer': COVERAGE }
  return [
    {
      id: CELLS,
      type: 'fill',
      ...tile,
      paint: { 'fill-color': cellColour(days), 'fill-opacity': 0.82, 'fill-antialias': false },
    },
    {
      id: UNKNOWN,
      type: 'fill',
      ...tile,
      filter: ['==', ['get', 'state'], 'unknown'],
      paint: { 'fill-pattern': HATCH, 'fill-opacity': 0.9 },
    },
    {
      id: EDGES,
      type: 'line',
      ...tile,
      minzoom: 14.5,
      paint: { 'line-color': '#fffdf8', 'line-width': 0.6, 'line-opacity': 0.7 },
    },
  ]
}

/** Shows the heatmap in place of the week's colours, or takes it away again. */
export function showCoverage(map: MapLibreMap, tiles: TileSet | null, days: CoverageDays): void {
  for (const layer of [FILL, FILL_HATCH])
    if (map.getLayer(layer)) map.setLayoutProperty(layer, 'visibility', tiles ? 'none' : 'visible')
  if (!tiles) {
    for (const layer of [CELLS, UNKNOWN, EDGES]) if (map.getLayer(layer)) map.removeLayer(layer)
    if (map.getSource(COVERAGE)) map.removeSource(COVERAGE)
    return
  }
  if (map.getSource(COVERAGE)) {
    replaceTiles(map, COVERAGE, tiles.url)
    map.setPaintProperty(CELLS, 'fill-color', cellColour(days))
    return
  }
  if (!map.hasImage(HATCH)) map.addImage(HATCH, hatchImage())
  map.addSource(COVERAGE, vectorSource(tiles))
  const above = [TOUCH, 'outline-2', 'outline-1', 'selected-casing'].find((layer) => map.getLayer(layer))
  for (const layer of cellLayers(days)) map.addLayer(layer, above)
}
