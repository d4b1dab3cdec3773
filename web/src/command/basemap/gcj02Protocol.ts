import { addProtocol } from 'maplibre-gl'

import { GCJ02_SCHEME, TILE_PX, filledIn, piecesOf, readShiftedAddress } from './gcj02'

/** Each source tile is needed by up to four wanted ones, which are asked for together. */
const KEPT_TILES = 96
const kept = new Map<string, Promise<ImageBitmap | null>>()
let isAdded = false

/** Lets the map ask for tiles of GCJ-02 base maps by `shiftedAddress`. */
export function addGcj02Protocol(): void {
  if (isAdded) return
  isAdded = true
  addProtocol(GCJ02_SCHEME, async ({ url }, { signal }) => {
    const asked = readShiftedAddress(url)
    if (!asked) throw new Error('not an address of a shifted tile')
    const pieces = piecesOf(asked.tile)
    const images = await Promise.all(pieces.map((piece) => sourceTile(filledIn(asked.template, piece))))
    signal.throwIfAborted()
    if (images.every((image) => image === null)) throw new Error('the base map has no tile here')
    const canvas = new OffscreenCanvas(TILE_PX, TILE_PX)
    const brush = canvas.getContext('2d')
    pieces.forEach(({ left, top }, index) => {
      const image = images[index]
      // High-density tiles are drawn smaller.
      if (image) brush?.drawImage(image, left, top, TILE_PX, TILE_PX)
    })
    return { data: canvas.transferToImageBitmap() }
  })
}

function sourceTile(url: string): Promise<ImageBitmap | null> {
  const known = kept.get(url)
  if (known) return known
  const loading = load(url).catch(() => {
    kept.delete(url) // asked for again when the tile is
    return null
  })
  kept.set(url, loading)
  if (kept.size > KEPT_TILES) kept.delete(kept.keys().next().value ?? '')
  return loading
}

async function load(url: string): Promise<ImageBitmap | null> {
  const response = await fetch(url)
  if (response.status === 404 || response.status === 204) return null
  if (!response.ok) throw new Error(`tile ${response.status}`)
  return createImageBitmap(await response.blob())
}
