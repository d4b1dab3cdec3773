import type { LayerSpecification } from 'maplibre-gl'

/** Two tracks lie side by side even where one is the copy of the other: each is shifted by half its width. */

export const TRACKS = 'tracks'
const SHIFT_PX = 2.6
const COLOURS = { this: '#14606e', other: '#d08a1f' } as const // told apart by lightness, too
const UNKNOWN = '#6b6457'

export function trackLayers(grid: string): LayerSpecification[] {
  return [
    { id: 'track-grid', type: 'fill', source: grid, paint: { 'fill-color': '#fffdf8' } },
    { id: 'track-grid-line', type: 'line', source: grid, paint: { 'line-color': '#5b7177', 'line-width': 1.6 } },
    ...(['other', 'this'] as const).map((whose) => walked(whose)),
    {
      id: 'track-gaps',
      type: 'line',
      source: TRACKS,
      filter: ['match', ['get', 'kind'], ['gap', 'ride'], true, false],
      paint: { 'line-color': UNKNOWN, 'line-width': 2, 'line-dasharray': [2, 2] },
    },
    {
      id: 'track-stops',
      type: 'circle',
      source: TRACKS,
      filter: ['==', ['get', 'kind'], 'check_in'],
      paint: {
        'circle-radius': 5,
        'circle-color': '#fffdf8',
        'circle-stroke-color': ['match', ['get', 'whose'], 'other', COLOURS.other, COLOURS.this],
        'circle-stroke-width': 2.5,
      },
    },
  ]
}

function walked(whose: 'this' | 'other'): LayerSpecification {
  return {
    id: `track-${whose}`,
    type: 'line',
    source: TRACKS,
    filter: ['all', ['match', ['get', 'kind'], ['walked', 'path'], true, false], ['==', ['get', 'whose'], whose]],
    layout: { 'line-join': 'round', 'line-cap': 'round' },
    paint: {
      'line-color': COLOURS[whose],
      'line-width': 3.4,
      'line-offset': whose === 'this' ? -SHIFT_PX / 2 : SHIFT_PX / 2,
    },
  }
}
