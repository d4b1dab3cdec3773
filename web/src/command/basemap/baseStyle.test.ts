import { expect, it } from 'vitest'

import { gridOpacity, vectorLayers } from './baseStyle'

it('draws what it knows, water below roads, each layer once', () => {
  const ids = vectorLayers('base-own', ['road', 'water', 'poi', 'green']).map(({ id }) => id)
  expect(ids).toEqual([
    'base-own-green-fill',
    'base-own-water-fill',
    'base-own-water-line',
    'base-own-road-fill',
    'base-own-road-line-casing',
    'base-own-road-line',
  ])
  expect(new Set(ids).size).toBe(ids.length)
})

it('covers a base map less than bare paper', () => {
  expect(gridOpacity('map')).toBeLessThan(gridOpacity('layers'))
  expect(gridOpacity('layers')).toBeLessThan(gridOpacity('paper'))
})
