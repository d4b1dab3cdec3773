import { describe, expect, it } from 'vitest'

import type { TrackFeature } from './myApi'
import { sketchOf } from './sketch'

const square = {
  type: 'Polygon',
  coordinates: [
    [
      [118.9, 32.09],
      [118.91, 32.09],
      [118.91, 32.1],
      [118.9, 32.1],
      [118.9, 32.09],
    ],
  ],
}
const walked: TrackFeature = {
  geometry: {
    type: 'LineString',
    coordinates: [
      [118.901, 32.091],
      [118.909, 32.099],
    ],
  },
  properties: { kind: 'walked' },
}
const gap: TrackFeature = { ...walked, properties: { kind: 'gap' } }
const checkIn: TrackFeature = {
  geometry: { type: 'Point', coordinates: [118.905, 32.095] },
  properties: { kind: 'check_in', name: '3 栋' },
}

describe('the drawing of a patrol', () => {
  it('is nothing without a grid or a path', () => {
    expect(sketchOf(null, [], [])).toBeNull()
    expect(sketchOf(null, [checkIn], [])).toBeNull()
  })

  it('stays inside its frame, north up, and keeps what is unknown apart from what was walked', () => {
    const sketch = sketchOf(square, [walked, gap, checkIn], [])
    expect(sketch).not.toBeNull()
    const [, x1, y1, x2, y2] = /^M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)$/.exec(sketch?.walked ?? '') ?? []
    expect(Number(x1)).toBeLessThan(Number(x2))
    expect(Number(y1)).toBeGreaterThan(Number(y2))
    expect(Number(x2)).toBeLessThan(sketch?.width ?? 0)
    expect(Number(y1)).toBeLessThan(sketch?.height ?? 0)
    expect(sketch?.gaps).toBe(sketch?.walked)
    expect(sketch?.checkIns[0]).toMatchObject({ name: '3 栋', x: 160 })
  })

  it('draws a degree of longitude shorter than one of latitude', () => {
    const sketch = sketchOf(square, [], [])
    const numbers = (sketch?.grid.match(/[\d.]+/g) ?? []).map(Number)
    const width = (numbers[2] ?? 0) - (numbers[0] ?? 0)
    const height = (numbers[3] ?? 0) - (numbers[5] ?? 0)
    expect(width / height).toBeCloseTo(Math.cos((32.095 * Math.PI) / 180), 2)
  })
})
