import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl'

import type { GridStatus } from '@/shared/api/types'

/** The map's own light theme: paper, status colours, and lines that tell the level by their weight. */

export const TILE_LAYER = 'grids' // name of the layer inside the vector tiles
export const GRIDS = 'grids'
export const FILL = 'grids-fill'
export const FILL_HATCH = 'grids-hatch'
/** Unseen and always there: where the pointer finds the grids, whatever they are coloured by. */
export const TOUCH = 'grids-touch'
export const HATCH = 'hatch'
export const LABELS = 'labels'
export const SELECTED = 'selected'
/** Sources that draw the outlines of higher levels over the displayed one. */
export const OUTLINES = { 1: 'outline-1', 2: 'outline-2' } as const

// Blue, straw and brick differ in lightness as well as hue, so they stay apart for red-green blindness and in print.
export const STATUS_COLOURS: Record<GridStatus, string> = {
  met: '#5ba7bd',
  partial: '#f2cf7d',
  none: '#d97457',
  unassigned: '#e2ddd0',
}
const PAPER = '#f5f2ea'
const INK = '#1c2b31'

/** Of a large grid nearly always something is done: how much is told by how deep the straw is. */
export const PARTIAL_RANGE = { deep: '#e9ad62', pale: '#f5e3a5' }
const partialColour: ExpressionSpecification = [
  'interpolate',
  ['linear'],
  ['/', ['coalesce', ['get', 'counted'], 0], ['max', 1, ['coalesce', ['get', 'needed'], 1]]],
  0.2,
  PARTIAL_RANGE.deep,
  1,
  PARTIAL_RANGE.pale,
]

const fillColour: ExpressionSpecification = [
  'match',
  ['get', 'status'],
  'met',
  STATUS_COLOURS.met,
  'partial',
  partialColour,
  'none',
  STATUS_COLOURS.none,
  STATUS_COLOURS.unassigned,
]
const isHovered: ExpressionSpecification = ['boolean', ['feature-state', 'hover'], false]

export const BASE_STYLE: StyleSpecification = {
  version: 8,
  sources: {
    [LABELS]: { type: 'geojson', data: { type: 'FeatureCollection', features: [] } },
    [SELECTED]: { type: 'geojson', data: { type: 'FeatureCollection', features: [] } },
  },
  layers: [{ id: 'paper', type: 'background', paint: { 'background-color': PAPER } }],
}

/** Layers of the displayed level; they stand below outlines, selection and labels. */
export function gridLayers(): LayerSpecification[] {
  const tile = { source: GRIDS, 'source-layer': TILE_LAYER }
  return [
    {
      id: FILL,
      type: 'fill',
      ...tile,
      paint: { 'fill-color': fillColour, 'fill-opacity': ['case', isHovered, 1, 0.82], 'fill-antialias': false },
    },
    {
      id: FILL_HATCH,
      type: 'fill',
      ...tile,
      filter: ['==', ['get', 'status'], 'unassigned'],
      paint: { 'fill-pattern': HATCH, 'fill-opacity': 0.55 },
    },
    { id: TOUCH, type: 'fill', ...tile, paint: { 'fill-opacity': 0 } },
    {
      id: 'grids-line',
      type: 'line',
      ...tile,
      layout: { 'line-join': 'round' },
      paint: { 'line-color': '#fffdf8', 'line-width': ['interpolate', ['linear'], ['zoom'], 11, 0.6, 16, 2.2] },
    },
    {
      id: 'grids-hover',
      type: 'line',
      ...tile,
      paint: { 'line-color': INK, 'line-width': 1.6, 'line-opacity': ['case', isHovered, 0.75, 0] },
    },
  ]
}

export function outlineLayer(level: 1 | 2): LayerSpecification {
  const width: ExpressionSpecification =
    level === 1
      ? ['interpolate', ['linear'], ['zoom'], 11, 1.4, 15, 3.2]
      : ['interpolate', ['linear'], ['zoom'], 12, 1, 15, 2]
  return {
    id: OUTLINES[level],
    type: 'line',
    source: OUTLINES[level],
    'source-layer': TILE_LAYER,
    minzoom: level === 2 ? 12 : 0,
    layout: { 'line-join': 'round' },
    paint: { 'line-color': level === 1 ? '#3c555c' : '#5b7177', 'line-width': width, 'line-opacity': 0.9 },
  }
}

export function selectionLayers(): LayerSpecification[] {
  return [
    {
      id: 'selected-casing',
      type: 'line',
      source: SELECTED,
      layout: { 'line-join': 'round' },
      paint: { 'line-color': '#fffdf8', 'line-width': 8, 'line-opacity': 0.95 },
    },
    {
      id: 'selected-line',
      type: 'line',
      source: SELECTED,
      layout: { 'line-join': 'round' },
      paint: { 'line-color': '#0d4853', 'line-width': 4 },
    },
  ]
}

export function labelLayer(): LayerSpecification {
  const isLarge: ExpressionSpecification = ['<=', ['get', 'level'], 2]
  return {
    id: LABELS,
    type: 'symbol',
    source: LABELS,
    layout: {
      'text-field': ['format', ['get', 'name'], {}, ['get', 'count'], { 'font-scale': 0.92 }],
      'text-size': ['interpolate', ['linear'], ['zoom'], 12, ['case', isLarge, 14, 12], 16, ['case', isLarge, 18, 15]],
      'text-max-width': ['match', ['get', 'level'], 1, 11, 8],
      'text-line-height': 1.25,
      'text-padding': 3,
      'symbol-sort-key': ['get', 'rank'],
    },
    paint: { 'text-color': INK, 'text-halo-color': 'rgba(255, 253, 248, 0.85)', 'text-halo-width': 1.5 },
  }
}
