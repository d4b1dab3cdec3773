import type { Polygon } from 'geojson'
import { describe, expect, it } from 'vitest'

import { drawEdit, factsEdit, mergeEdit, retireEdit, sketchEdit } from './edits'
import { kindsOf } from './kinds'
import { labelPoint } from './map/shapes'
import { ringsOf, rounded, snapped } from './map/snap'
import { obstacleOf, type Selected } from './tools'

const square: Polygon = { type: 'Polygon', coordinates: [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]] }

describe('snapping', () => {
  const rings = ringsOf([square, { type: 'MultiPolygon', coordinates: [square.coordinates] }])
  const toPixel = (lon: number, lat: number): { x: number; y: number } => ({ x: lon * 10, y: -lat * 10 })

  it('prefers a corner to the edge beside it', () => {
    expect(rings).toHaveLength(2)
    expect(snapped([0.9, 0.2], rings, toPixel)).toEqual([0, 0])
    expect(snapped([5, 0.5], rings, toPixel)).toEqual([5, 0])
    expect(snapped([5, 2], rings, toPixel)).toBeUndefined()
  })

  it('gives positions on the grid of the server', () => {
    expect(rounded([118.1234567891234, 32, 7])).toEqual([118.123456789, 32])
  })
})

it('writes a name into the widest part, never into a bay', () => {
  const bay: Polygon = {
    type: 'Polygon',
    coordinates: [[[0, 0], [10, 0], [10, 10], [7, 10], [7, 2], [2, 2], [2, 10], [0, 10], [0, 0]]],
  }
  expect(labelPoint(square)).toEqual([5, 5])
  expect(labelPoint(bay)).toEqual([8.5, 5])
})

describe('what a tool sends', () => {
  const before = { name: '一网格', kind: 'residential', households: 300 }

  it('is nothing before something is drawn', () => {
    expect(sketchEdit('a', null, null)).toBeNull()
    expect(drawEdit(null, { ...before, level: 3, parent: 'p' })).toBeNull()
  })

  it('names the part that keeps the code only when asked', () => {
    const drawn = { sketch: 'areas' as const, areas: [square] }
    expect(sketchEdit('a', drawn, null)?.body).toEqual({ grid: 'a', parts: [square] })
    expect(sketchEdit('a', drawn, 0)?.body).toEqual({ grid: 'a', parts: [square], keep: 0 })
    expect(mergeEdit(['a', 'b'], ' ', null).body).toEqual({ grids: ['a', 'b'] })
    expect(retireEdit('a', 'b').body).toEqual({ grid: 'a', into: 'b' })
  })

  it('is only what differs', () => {
    expect(factsEdit('a', before, { ...before })).toBeNull()
    expect(factsEdit('a', before, { ...before, name: ' 二网格 ', households: null })?.body).toEqual({
      name: '二网格',
      households: null,
    })
  })

  it('needs a name and a parent for a new grid', () => {
    const drawn = { sketch: 'area' as const, area: square }
    expect(drawEdit(drawn, { ...before, level: 3, parent: '' })).toBeNull()
    expect(drawEdit(drawn, { ...before, name: ' ', level: 3, parent: 'p' })).toBeNull()
    expect(drawEdit(drawn, { ...before, households: null, level: 3, parent: 'p' })?.body).toEqual({
      name: '一网格',
      kind: 'residential',
      level: 3,
      parent: 'p',
      geometry: square,
    })
  })
})

describe('tools', () => {
  const grid = (ref: string, more: Partial<Selected['grid']> = {}): Selected => ({
    grid: { ref, code: ref, name: ref, level: 3, parent: 'p', kind: 'residential', households: 1, area_m2: 1, action: null, ...more },
    hasShape: true,
  })

  it('say what they need', () => {
    expect(obstacleOf('splitLine', [])).toBe('one')
    expect(obstacleOf('splitLine', [grid('a'), grid('b')])).toBe('one')
    expect(obstacleOf('merge', [grid('a')])).toBe('several')
    expect(obstacleOf('merge', [grid('a'), grid('b', { parent: 'q' })])).toBe('siblings')
    expect(obstacleOf('boundary', [grid('a', { action: 'retire' })])).toBe('retired')
    expect(obstacleOf('boundary', [{ ...grid('a'), hasShape: false }])).toBe('noShape')
    expect(obstacleOf('splitLine', [grid('a', { level: 1 })])).toBe('community')
    expect(obstacleOf('boundary', [grid('a', { level: 1 })])).toBeNull()
    expect(obstacleOf('merge', [grid('a'), grid('b')])).toBeNull()
    expect(obstacleOf('draw', [])).toBeNull()
  })

  it('offer the kinds of a level, and keep one that came with a file', () => {
    expect(kindsOf(1)).toContain('community')
    expect(kindsOf(3, 'port')).toContain('port')
    expect(kindsOf(9)).toEqual([])
  })
})
