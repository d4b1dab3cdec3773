import { describe, expect, it } from 'vitest'

import { filledIn, lonLatAt, piecesOf, readShiftedAddress, shiftOf, shiftedAddress, tileCoordinatesOf, TILE_PX } from './gcj02'

const NANJING: [number, number] = [118.92, 32.1]
// Metres of a tile's edge on the ground at that latitude.
const edge = (z: number): number => (40_075_016.686 * Math.cos((NANJING[1] * Math.PI) / 180)) / 2 ** z
function tileAt(z: number, at: [number, number]): { z: number; x: number; y: number } {
  const [x, y] = tileCoordinatesOf(z, at).map(Math.floor) as [number, number]
  return { z, x, y }
}

describe('tiles of a GCJ-02 base map', () => {
  it('find their way to positions and back', () => {
    const [lon, lat] = lonLatAt(14, ...tileCoordinatesOf(14, NANJING))
    expect(lon).toBeCloseTo(NANJING[0], 9)
    expect(lat).toBeCloseTo(NANJING[1], 9)
  })

  it.each([12, 15, 18])('lie about 500 m off in Nanjing, to the east and to the south, at zoom %i', (z) => {
    const [right, down] = shiftOf(tileAt(z, NANJING))
    expect(right * edge(z)).toBeGreaterThan(400)
    expect(right * edge(z)).toBeLessThan(560)
    // GCJ-02 puts Nanjing 200 m further south, which is down.
    expect(down * edge(z)).toBeGreaterThan(150)
    expect(down * edge(z)).toBeLessThan(260)
    expect(Math.hypot(right, down) * edge(z)).toBeGreaterThan(450)
    expect(Math.hypot(right, down) * edge(z)).toBeLessThan(600)
  })

  it('are taken from further east and south, so that the ground moves back', () => {
    const wanted = tileAt(15, NANJING)
    const pieces = piecesOf(wanted)
    expect(pieces.length).toBeGreaterThan(1)
    expect(pieces.length).toBeLessThanOrEqual(4)
    const [right, down] = shiftOf(wanted)
    for (const { x, y, left, top } of pieces) {
      expect(Math.abs(left - (x - wanted.x - right) * TILE_PX)).toBeLessThanOrEqual(1)
      expect(Math.abs(top - (y - wanted.y - down) * TILE_PX)).toBeLessThanOrEqual(1)
    }
    const corner = pieces.find(({ x, y }) => x === wanted.x && y === wanted.y)
    expect(corner?.left).toBeLessThan(0)
    expect(corner?.top).toBeLessThan(0)
  })

  it('cover the whole of each tile', () => {
    for (let z = 4; z <= 18; z += 1) {
      const pieces = piecesOf(tileAt(z, NANJING))
      const area = pieces.reduce((sum, { left, top }) => {
        const width = Math.min(TILE_PX, left + TILE_PX) - Math.max(0, left)
        const height = Math.min(TILE_PX, top + TILE_PX) - Math.max(0, top)
        return sum + width * height
      }, 0)
      expect(area).toBe(TILE_PX ** 2)
    }
  })

  it('stay where they are outside China', () => {
    const paris = tileAt(14, [2.35, 48.86])
    expect(shiftOf(paris)[0]).toBeCloseTo(0, 9)
    expect(piecesOf(paris)).toEqual([{ ...paris, left: 0, top: 0 }])
  })

  it('carry the address of their source through the map', () => {
    const template = 'https://tiles.example/a?x={x}&y={y}&z={z}'
    const asked = filledIn(shiftedAddress(template), { z: 15, x: 27208, y: 13297 })
    expect(readShiftedAddress(asked)).toEqual({ tile: { z: 15, x: 27208, y: 13297 }, template })
    expect(readShiftedAddress('https://elsewhere')).toBeNull()
  })
})
