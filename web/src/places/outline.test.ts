import { expect, it } from 'vitest'

import { outlinePath } from './outline'

it('draws an outline north up and in true proportion', () => {
  const box = { type: 'Polygon' as const, coordinates: [[[118, 32], [118.001, 32], [118.001, 32.001], [118, 32.001], [118, 32]]] }
  const path = outlinePath(box, 100, 10) ?? ''
  const corners = [...path.matchAll(/(-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)])
  const [southWest, southEast, northEast] = corners
  expect(southWest?.[1]).toBe(90)
  expect(northEast?.[1]).toBe(10)
  const width = (southEast?.[0] ?? 0) - (southWest?.[0] ?? 0)
  expect(width).toBeCloseTo(80 * Math.cos((32 * Math.PI) / 180), 0)
})

it('draws every part of a building in parts, and nothing of nothing', () => {
  const ring = [[118, 32], [118.001, 32], [118, 32.001], [118, 32]]
  const path = outlinePath({ type: 'MultiPolygon', coordinates: [[ring], [ring]] }, 100) ?? ''
  expect(path.match(/M/g)).toHaveLength(2)
  expect(outlinePath({ type: 'Polygon', coordinates: [] }, 100)).toBeNull()
})
