import gcoord from 'gcoord'

/**
 * Tiles of a base map in GCJ-02, put back to where they lie in CGCS2000. Pure.
 *
 * The shift changes by a fraction of a pixel over one tile, so each tile is moved as a whole by the shift at its centre.
 */

export const TILE_PX = 256

export interface TileAddress {
  z: number
  x: number
  y: number
}

export interface Piece extends TileAddress {
  /** Where the left upper corner of the source tile comes to lie, in pixels of the wanted one. */
  left: number
  top: number
}

/** Position of the web-mercator tile coordinates. */
export function lonLatAt(z: number, x: number, y: number): [lon: number, lat: number] {
  const n = 2 ** z
  return [(x / n) * 360 - 180, (Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / n))) * 180) / Math.PI]
}

export function tileCoordinatesOf(z: number, [lon, lat]: [number, number]): [x: number, y: number] {
  const n = 2 ** z
  const phi = (lat * Math.PI) / 180
  return [((lon + 180) / 360) * n, ((1 - Math.asinh(Math.tan(phi)) / Math.PI) / 2) * n]
}

/** How far east and south, in tiles, the ground of a tile is drawn in GCJ-02. Nothing outside China. */
export function shiftOf({ z, x, y }: TileAddress): [x: number, y: number] {
  // CGCS2000 and WGS 84 agree within decimetres, the least of what a drawn tile can show.
  const centre = lonLatAt(z, x + 0.5, y + 0.5)
  const [lon, lat] = gcoord.transform<[number, number]>(centre, gcoord.WGS84, gcoord.GCJ02)
  const [east, south] = tileCoordinatesOf(z, [lon, lat])
  return [east - (x + 0.5), south - (y + 0.5)]
}

/** The up to four source tiles that make up a wanted one, and where each is drawn. */
export function piecesOf(tile: TileAddress): Piece[] {
  const { z } = tile
  // A shift by whole pixels keeps lettering sharp.
  const [right, down] = shiftOf(tile).map((tiles) => Math.round(tiles * TILE_PX) / TILE_PX) as [number, number]
  const [west, north] = [tile.x + right, tile.y + down]
  const columns = west % 1 === 0 ? [west] : [Math.floor(west), Math.floor(west) + 1]
  const rows = north % 1 === 0 ? [north] : [Math.floor(north), Math.floor(north) + 1]
  return rows.flatMap((y) =>
    columns
      .map((x) => ({ z, x, y, left: Math.round((x - west) * TILE_PX), top: Math.round((y - north) * TILE_PX) }))
      .filter(() => y >= 0 && y < 2 ** z)
      .map((piece) => ({ ...piece, x: ((piece.x % 2 ** z) + 2 ** z) % 2 ** z })),
  )
}

export const GCJ02_SCHEME = 'gcj02'

/** The address of shifted tiles for the map; the braces of the template are hidden until a tile is fetched. */
export function shiftedAddress(template: string): string {
  return `${GCJ02_SCHEME}://{z}/{x}/{y}/${encodeURIComponent(template)}`
}

export function readShiftedAddress(url: string): { tile: TileAddress; template: string } | null {
  const match = /^gcj02:\/\/(\d+)\/(\d+)\/(\d+)\/(.+)$/.exec(url)
  if (!match) return null
  const [z, x, y] = match.slice(1, 4).map(Number) as [number, number, number]
  return { tile: { z, x, y }, template: decodeURIComponent(match[4] ?? '') }
}

export function filledIn(template: string, { z, x, y }: TileAddress): string {
  return template.replaceAll('{z}', String(z)).replaceAll('{x}', String(x)).replaceAll('{y}', String(y))
}
