import type { ExpressionSpecification, LayerSpecification } from 'maplibre-gl'

/** Soft styles for what lies below the grids: it orients and does not compete. Pure. */

export const BASE_PREFIX = 'base-'

export type Feature = 'green' | 'water' | 'building' | 'road' | 'rail' | 'boundary' | 'place'

/** What the layers of usual vector base maps hold, beside those that the owner imports here. */
const NAMES: Readonly<Record<string, Feature>> = {
  green: 'green',
  park: 'green',
  landcover: 'green',
  water: 'water',
  waterway: 'water',
  building: 'building',
  buildings: 'building',
  road: 'road',
  roads: 'road',
  transportation: 'road',
  rail: 'rail',
  boundary: 'boundary',
  boundaries: 'boundary',
  place: 'place',
  places: 'place',
}
/** From below. */
const ORDER: readonly Feature[] = ['green', 'water', 'building', 'road', 'rail', 'boundary', 'place']

const isArea: ExpressionSpecification = ['==', ['geometry-type'], 'Polygon']
const isLine: ExpressionSpecification = ['==', ['geometry-type'], 'LineString']
const isPoint: ExpressionSpecification = ['==', ['geometry-type'], 'Point']
const name: ExpressionSpecification = ['coalesce', ['get', 'name:zh'], ['get', 'name']]

function width(thin: number, thick: number): ExpressionSpecification {
  return ['interpolate', ['exponential', 1.5], ['zoom'], 11, thin, 18, thick]
}

/** How each kind of feature is drawn: an area, a line, or both. */
const LOOKS: Readonly<Record<Feature, (shared: Shared) => LayerSpecification[]>> = {
  green: (shared) => [fill(shared, '#dce6cf', 0.9)],
  water: (shared) => [fill(shared, '#c3dbe3', 1), line(shared, '#b3d1dc', width(0.8, 5))],
  building: (shared) => [fill(shared, '#ddd5c4', 0.85)],
  road: (shared) => [
    fill(shared, '#fffdf8', 1),
    line({ ...shared, suffix: '-casing' }, '#d3c9b4', width(1.4, 16)),
    line(shared, '#fffdf8', width(0.7, 12)),
  ],
  rail: (shared) => [line(shared, '#a39c8c', width(0.8, 3), [3, 2])],
  boundary: (shared) => [line(shared, '#9a8fa3', width(0.8, 2), [4, 2, 1, 2])],
  place: (shared) => [
    {
      id: idOf(shared, '-name'),
      type: 'symbol',
      ...sourceOf(shared),
      filter: isPoint,
      layout: { 'text-field': name, 'text-size': 12, 'text-padding': 6 },
      paint: { 'text-color': '#586469', 'text-halo-color': '#fffdf8', 'text-halo-width': 1.4 },
    },
  ],
}

interface Shared {
  source: string
  layer: string
  suffix?: string
}

/** Style layers for the vector layers of a source, from below; unknown ones are left out. */
export function vectorLayers(source: string, layers: readonly string[]): LayerSpecification[] {
  const known = layers.filter((layer) => layer in NAMES)
  return ORDER.flatMap((feature) =>
    known.filter((layer) => NAMES[layer] === feature).flatMap((layer) => LOOKS[feature]({ source, layer })),
  )
}

function fill(shared: Shared, colour: string, opacity: number): LayerSpecification {
  return {
    id: idOf(shared, '-fill'),
    type: 'fill',
    ...sourceOf(shared),
    filter: isArea,
    paint: { 'fill-color': colour, 'fill-opacity': opacity },
  }
}

function line(
  shared: Shared,
  colour: string,
  lineWidth: ExpressionSpecification,
  dashes?: number[],
): LayerSpecification {
  return {
    id: idOf(shared, `-line${shared.suffix ?? ''}`),
    type: 'line',
    ...sourceOf(shared),
    filter: isLine,
    layout: { 'line-join': 'round', 'line-cap': dashes ? 'butt' : 'round' },
    paint: { 'line-color': colour, 'line-width': lineWidth, ...(dashes ? { 'line-dasharray': dashes } : {}) },
  }
}

function idOf({ source, layer }: Shared, part: string): string {
  return `${source}-${layer}${part}`
}

function sourceOf({ source, layer }: Shared): { source: string; 'source-layer': string } {
  return { source, 'source-layer': layer }
}

/** How strongly the grids are filled over a base: the more it shows, the less they cover. */
export function gridOpacity(base: 'paper' | 'layers' | 'map'): number {
  return { paper: 0.82, layers: 0.6, map: 0.42 }[base]
}
