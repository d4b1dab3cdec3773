import type { ExpressionSpecification, LayerSpecification } from 'maplibre-gl'

import { HATCH } from '@/command/map/style'

import { FAULT_COLOURS } from '../faults'
import type { Action } from '../types'

/** The planned world on the map: unchanged paper, new green, changed amber, retired grey with strokes. */

export const WORLD = 'plan-world'
export const WORLD_FILL = 'plan-fill'
export const PARENTS = 'plan-parents'
export const CHOSEN = 'plan-chosen'
export const FAULTS = 'plan-faults'
export const FAULT_POINTS = 'plan-fault-points'
export const PREVIEW = 'plan-preview'
export const NAMES = 'plan-names'

export const ACTION_COLOURS: Record<Action | 'same', string> = {
  same: '#dfe6df',
  create: '#7fbf8e',
  change: '#efc35f',
  retire: '#cfc9bb',
}
const INK = '#1c2b31'
const PREVIEW_COLOUR = '#5b3fa8'

const byAction: ExpressionSpecification = [
  'match',
  ['coalesce', ['get', 'action'], 'same'],
  'create',
  ACTION_COLOURS.create,
  'change',
  ACTION_COLOURS.change,
  'retire',
  ACTION_COLOURS.retire,
  ACTION_COLOURS.same,
]
const byFault: ExpressionSpecification = [
  'match',
  ['get', 'kind'],
  'overlap',
  FAULT_COLOURS.overlap,
  'gap',
  FAULT_COLOURS.gap,
  'outside',
  FAULT_COLOURS.outside,
  FAULT_COLOURS.sliver,
]
const isRetired: ExpressionSpecification = ['==', ['get', 'action'], 'retire']

/** Layers from the ground up; what is retired lies below what takes its ground. */
export function planLayers(): LayerSpecification[] {
  return [
    {
      id: 'plan-fill-retired',
      type: 'fill',
      source: WORLD,
      filter: isRetired,
      paint: { 'fill-color': ACTION_COLOURS.retire, 'fill-opacity': 0.5 },
    },
    {
      id: WORLD_FILL,
      type: 'fill',
      source: WORLD,
      filter: ['!', isRetired],
      paint: { 'fill-color': byAction, 'fill-opacity': 0.72, 'fill-antialias': false },
    },
    {
      id: 'plan-hatch',
      type: 'fill',
      source: WORLD,
      filter: isRetired,
      paint: { 'fill-pattern': HATCH, 'fill-opacity': 0.6 },
    },
    {
      id: 'plan-line',
      type: 'line',
      source: WORLD,
      filter: ['!', isRetired],
      layout: { 'line-join': 'round' },
      paint: { 'line-color': '#6d7b73', 'line-width': ['interpolate', ['linear'], ['zoom'], 12, 0.7, 17, 2] },
    },
    {
      id: 'plan-line-retired',
      type: 'line',
      source: WORLD,
      filter: isRetired,
      paint: { 'line-color': '#8d8776', 'line-width': 1.6, 'line-dasharray': [2, 2] },
    },
    {
      id: PARENTS,
      type: 'line',
      source: PARENTS,
      filter: ['!', isRetired],
      layout: { 'line-join': 'round' },
      paint: { 'line-color': '#3c555c', 'line-width': ['interpolate', ['linear'], ['zoom'], 11, 1.4, 16, 3.4] },
    },
  ]
}

export function chosenLayers(): LayerSpecification[] {
  return [
    {
      id: 'plan-chosen-casing',
      type: 'line',
      source: CHOSEN,
      layout: { 'line-join': 'round' },
      paint: { 'line-color': '#fffdf8', 'line-width': 7.5, 'line-opacity': 0.95 },
    },
    {
      id: 'plan-chosen-line',
      type: 'line',
      source: CHOSEN,
      layout: { 'line-join': 'round' },
      paint: { 'line-color': '#0d4853', 'line-width': 3.6 },
    },
    {
      id: 'plan-preview-fill',
      type: 'fill',
      source: PREVIEW,
      paint: { 'fill-color': PREVIEW_COLOUR, 'fill-opacity': 0.16 },
    },
    {
      id: 'plan-preview-line',
      type: 'line',
      source: PREVIEW,
      layout: { 'line-join': 'round' },
      // Not dashed: neighbours draw their shared edge twice.
      paint: { 'line-color': PREVIEW_COLOUR, 'line-width': 2.4 },
    },
    {
      id: 'plan-preview-names',
      type: 'symbol',
      source: PREVIEW,
      layout: { 'text-field': ['coalesce', ['get', 'label'], ''], 'text-size': 14, 'text-line-height': 1.3 },
      paint: { 'text-color': PREVIEW_COLOUR, 'text-halo-color': '#fffdf8', 'text-halo-width': 2 },
    },
  ]
}

/** Faults above everything: filled, and as a ring where they are too small to be seen. */
export function faultLayers(): LayerSpecification[] {
  const isChosen: ExpressionSpecification = ['boolean', ['get', 'chosen'], false]
  return [
    {
      id: 'plan-faults-fill',
      type: 'fill',
      source: FAULTS,
      paint: { 'fill-color': byFault, 'fill-opacity': ['case', isChosen, 0.85, 0.6] },
    },
    {
      id: 'plan-faults-line',
      type: 'line',
      source: FAULTS,
      paint: { 'line-color': byFault, 'line-width': ['case', isChosen, 4, 2.2] },
    },
    {
      id: 'plan-faults-ring',
      type: 'circle',
      source: FAULT_POINTS,
      paint: {
        'circle-radius': ['case', isChosen, 17, 9],
        'circle-color': byFault,
        'circle-opacity': 0.12,
        'circle-stroke-color': byFault,
        'circle-stroke-width': ['case', isChosen, 3.2, 2],
      },
    },
  ]
}

export function nameLayer(): LayerSpecification {
  const isLarge: ExpressionSpecification = ['<=', ['get', 'level'], 2]
  return {
    id: NAMES,
    type: 'symbol',
    source: NAMES,
    layout: {
      'text-field': ['get', 'name'],
      'text-size': ['interpolate', ['linear'], ['zoom'], 12, ['case', isLarge, 13.5, 11.5], 16, ['case', isLarge, 18, 15]],
      'text-max-width': 8,
      'text-line-height': 1.25,
      'text-padding': 3,
    },
    paint: {
      'text-color': ['case', isRetired, '#6b675c', INK],
      'text-halo-color': 'rgba(255, 253, 248, 0.88)',
      'text-halo-width': 1.6,
    },
  }
}
