import type { Position } from 'geojson'
import { describe, expect, it } from 'vitest'

import { MOST_HANDLES, restored, thinned } from './handles'

const STEPS = 2000
const circle: Position[] = Array.from({ length: STEPS + 1 }, (_, step) => {
  const angle = ((step % STEPS) / STEPS) * 2 * Math.PI
  return [118 + Math.cos(angle) / 100, 32 + Math.sin(angle) / 100].map((degrees) => Number(degrees.toFixed(9)))
})
const everywhere = (): boolean => true

describe('the handles of a long boundary', () => {
  it('are few, and nothing is lost where nothing was moved', () => {
    const { ring, between } = thinned(circle, everywhere)
    expect(ring.length).toBeLessThanOrEqual(MOST_HANDLES + 2)
    expect(restored(ring, between)).toEqual(circle)
    expect(restored(ring.toReversed(), between)).toEqual(circle.toReversed())
  })

  it('are all there while they can be told apart', () => {
    const square: Position[] = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]
    expect(thinned(square, everywhere).ring).toEqual(square)
  })

  it('stand closest where one looks', () => {
    const { ring } = thinned(circle, ([lon = 0]) => lon > 118.009)
    expect(ring.filter(([lon = 0]) => lon > 118.009).length).toBeGreaterThan(100)
  })

  it('give way only beside the one that was moved', () => {
    const { ring, between } = thinned(circle, everywhere)
    const moved = ring.map((place, index) => (index === 10 ? [118.02, 32.02] : place))
    const places = new Set(circle.map(String))
    const kept = restored(moved, between).filter((place) => places.has(String(place)))
    expect(kept.length).toBeGreaterThan(STEPS - 60)
    expect(restored(moved, between)).toContainEqual([118.02, 32.02])
  })
})
