import { LngLatBounds, Map as MapLibreMap, setWorkerUrl, type MapOptions, type VectorTileSource } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url'
import 'maplibre-gl/dist/maplibre-gl.css'

import { tokenOrSignOut } from '@/shared/api/client'
import { freshToken } from '@/shared/api/tokens'
import type { Bbox } from '@/shared/api/types'

import type { TileSet } from '../useTiles'
import { hatchImage } from './hatch'
import { BASE_STYLE, GRIDS, HATCH, OUTLINES, gridLayers, labelLayer, outlineLayer, selectionLayers } from './style'

// The worker is an own file of this site: the content security policy allows no other script.
setWorkerUrl(workerUrl)

/** The part of the map that no panel covers, in pixels from its edges. */
export interface Padding {
  top: number
  right: number
  bottom: number
  left: number
}

/** Everything east of Tibet: where the map opens when nobody says where the grids are. */
const CHINA: Bbox = [98, 18, 128, 46]
const FONT = "'PingFang SC', 'HarmonyOS Sans SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"

export function createMap(
  container: HTMLElement,
  view: { bounds: Bbox | null; padding: Padding },
  locale: Record<string, string>,
): MapLibreMap {
  const options: MapOptions = {
    container,
    style: BASE_STYLE,
    bounds: view.bounds ?? CHINA,
    fitBoundsOptions: { padding: view.padding },
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    maxZoom: 19,
    fadeDuration: window.matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 150,
    localIdeographFontFamily: FONT,
    locale,
    transformRequest: authorisedTile,
  }
  const map = new MapLibreMap(options)
  map.touchZoomRotate.disableRotation()
  map.keyboard.disableRotation()
  return map
}

/** Tiles carry the bearer token; it is renewed before the request rather than after a refusal. */
async function authorisedTile(url: string): Promise<{ url: string; headers?: Record<string, string> }> {
  if (!url.startsWith(`${window.location.origin}/tiles/`)) return { url }
  return { url, headers: { Authorization: `Bearer ${await tokenOrSignOut(freshToken)}` } }
}

/** Shows these tiles as the displayed level; the old ones stay until the new ones are drawn. */
export function showTiles(map: MapLibreMap, tiles: TileSet): void {
  if (map.getSource(GRIDS)) {
    replaceTiles(map, GRIDS, tiles.url)
    return
  }
  if (!map.hasImage(HATCH)) map.addImage(HATCH, hatchImage())
  map.addSource(GRIDS, vectorSource(tiles))
  const above = Object.values(OUTLINES).find((layer) => map.getLayer(layer)) ?? 'selected-casing'
  for (const layer of gridLayers()) map.addLayer(layer, map.getLayer(above) ? above : undefined)
}

/** Draws the borders of a higher level over whatever level is displayed. */
export function showOutline(map: MapLibreMap, level: 1 | 2, tiles: TileSet): void {
  if (map.getSource(OUTLINES[level])) {
    replaceTiles(map, OUTLINES[level], tiles.url)
    return
  }
  map.addSource(OUTLINES[level], vectorSource(tiles))
  map.addLayer(outlineLayer(level), level === 2 && map.getLayer(OUTLINES[1]) ? OUTLINES[1] : 'selected-casing')
}

const wantedTiles = new WeakMap<MapLibreMap, Map<string, string>>()

/**
 * Gives a source a new tile address once it is at rest. MapLibre reads a tile that is still on its way anew from what
 * it got from the old address, and of two loads of one tile the later answer wins; so the newest address waits.
 */
export function replaceTiles(map: MapLibreMap, sourceId: string, url: string): void {
  const wanted = wantedTiles.get(map) ?? new Map<string, string>()
  wantedTiles.set(map, wanted)
  const isWaiting = wanted.has(sourceId)
  wanted.set(sourceId, url)
  if (map.isSourceLoaded(sourceId)) applyTiles(map, wanted, sourceId)
  else if (!isWaiting) map.once('idle', () => applyTiles(map, wanted, sourceId))
}

function applyTiles(map: MapLibreMap, wanted: Map<string, string>, sourceId: string): void {
  const url = wanted.get(sourceId)
  wanted.delete(sourceId)
  const source = map.getSource<VectorTileSource>(sourceId)
  if (source && url && source.tiles[0] !== url) source.setTiles([url])
}

export function addFixedLayers(map: MapLibreMap): void {
  for (const layer of [...selectionLayers(), labelLayer()]) map.addLayer(layer)
}

export function vectorSource({ url, minzoom, maxzoom, bounds }: TileSet): {
  type: 'vector'
  tiles: string[]
  minzoom: number
  maxzoom: number
  bounds?: Bbox
} {
  return { type: 'vector', tiles: [url], minzoom, maxzoom, ...(bounds ? { bounds } : {}) }
}

export function boundsFrom(box: readonly number[]): LngLatBounds {
  return new LngLatBounds(box as [number, number, number, number])
}
