import type { ExpressionSpecification, LayerSpecification, Map as MapLibreMap, VectorTileSource } from 'maplibre-gl'

import { hatchImage } from '@/command/map/hatch'
import { FILL, FILL_OPACITY, HATCH } from '@/command/map/style'
import type { TileSet } from '@/command/useTiles'

import { COVERED_COLOURS, NOT_COVERED_COLOUR, UNKNOWN_COLOUR, stepsFor } from './scale'
import type { CoverageDays } from './types'

/** The heatmap inside the command map: cells above the ground, below every line and name. */

export const COVERAGE = 'coverage'
export const CELLS = 'coverage-cells'
const UNKNOWN = 'coverage-unknown'
const EDGES = 'coverage-edges'
const GRIDS_HATCH = 'grids-hatch'
const FIRST_ABOVE = 'grids-line'

export function cellColour(days: CoverageDays): ExpressionSpecification {
  const [, ...steps] = stepsFor(days)
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
      paint: { 'fill-color': cellColour(days), 'fill-opacity': 0.86, 'fill-antialias': false },
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
  // The grids stay where they are, unseen: the pointer still finds them.
  if (map.getLayer(FILL)) {
    map.setLayoutProperty(GRIDS_HATCH, 'visibility', tiles ? 'none' : 'visible')
    map.setPaintProperty(FILL, 'fill-opacity', tiles ? 0 : FILL_OPACITY)
  }
  const source = map.getSource<VectorTileSource>(COVERAGE)
  if (!tiles) {
    for (const layer of [CELLS, UNKNOWN, EDGES]) if (map.getLayer(layer)) map.removeLayer(layer)
    if (source) map.removeSource(COVERAGE)
    return
  }
  if (source) {
    if (source.tiles[0] !== tiles.url) source.setTiles([tiles.url])
    map.setPaintProperty(CELLS, 'fill-color', cellColour(days))
    return
  }
  if (!map.hasImage(HATCH)) map.addImage(HATCH, hatchImage())
  const { url, minzoom, maxzoom, bounds } = tiles
  map.addSource(COVERAGE, { type: 'vector', tiles: [url], minzoom, maxzoom, ...(bounds ? { bounds } : {}) })
  const above = [FIRST_ABOVE, 'outline-2', 'outline-1', 'selected-casing'].find((layer) => map.getLayer(layer))
  for (const layer of cellLayers(days)) map.addLayer(layer, above)
}
