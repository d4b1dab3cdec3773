import type { LayerSpecification, Map as MapLibreMap, SourceSpecification } from 'maplibre-gl'

import { get } from '@/shared/api/client'
import type { TileDocument } from '@/shared/api/types'

import { FILL } from '../map/style'
import { BASE_PREFIX, gridOpacity, vectorLayers } from './baseStyle'
import { shiftedAddress } from './gcj02'
import { addGcj02Protocol } from './gcj02Protocol'
import type { Basemap, Basemaps } from './types'

/** The sources and layers of a base, and how much the grids above it may cover. */
export interface Base {
  sources: Record<string, SourceSpecification>
  layers: LayerSpecification[]
  shows: 'paper' | 'layers' | 'map'
}

const PMTILES_MVT = 1 // the tile type in the header of a PMTiles file
const OWN = `${BASE_PREFIX}own`
const FILE = `${BASE_PREFIX}file`

/** What a choice is drawn from. */
export async function baseOf(basemap: Basemap, offered: Basemaps): Promise<Base> {
  if (basemap.kind === 'raster') return rasterBase(basemap)
  if (basemap.kind === 'pmtiles') return fileBase(basemap)
  return offered.layers.length ? ownBase(offered) : { sources: {}, layers: [], shows: 'paper' }
}

function rasterBase({ tiles, max_zoom: maxzoom, datum }: Basemap): Base {
  const isShifted = datum === 'GCJ02'
  if (isShifted) addGcj02Protocol()
  const names = tiles.map((_, index) => `${BASE_PREFIX}raster-${index}`)
  return {
    sources: Object.fromEntries(
      tiles.map((address, index) => [
        names[index],
        { type: 'raster', tileSize: 256, maxzoom, tiles: [isShifted ? shiftedAddress(address) : address] } as const,
      ]),
    ),
    layers: names.map((source) => ({ id: source, type: 'raster', source })),
    shows: 'map',
  }
}

/** The owner's layers below the plain style. */
async function ownBase(offered: Basemaps): Promise<Base> {
  const document = await get<TileDocument>('/tiles/base.json')
  const tiles = document.tiles.map((address) => (address.startsWith('/') ? window.location.origin + address : address))
  const { minzoom, maxzoom } = document
  return {
    sources: { [OWN]: { type: 'vector', tiles, minzoom, maxzoom } },
    layers: vectorLayers(OWN, [...new Set(offered.layers.map(({ layer }) => layer))]),
    shows: 'layers',
  }
}

async function fileBase({ tiles }: Basemap): Promise<Base> {
  const [address] = tiles
  if (!address) return { sources: {}, layers: [], shows: 'paper' }
  // The reader of PMTiles is loaded with the first such map.
  const { openPmtiles } = await import('./pmtilesProtocol')
  const file = openPmtiles(address)
  const header = await file.getHeader()
  const url = `pmtiles://${new URL(address, window.location.origin).href}`
  if (header.tileType !== PMTILES_MVT) {
    return {
      sources: { [FILE]: { type: 'raster', url, tileSize: 256 } },
      layers: [{ id: FILE, type: 'raster', source: FILE }],
      shows: 'map',
    }
  }
  const metadata = (await file.getMetadata()) as { vector_layers?: { id: string }[] }
  return {
    sources: { [FILE]: { type: 'vector', url } },
    layers: vectorLayers(FILE, (metadata.vector_layers ?? []).map(({ id }) => id)),
    shows: 'layers',
  }
}

/** Puts a base below everything else on the map, in place of the one before. */
export function drawBase(map: MapLibreMap, base: Base): void {
  const style = map.getStyle()
  for (const { id } of style.layers) if (id.startsWith(BASE_PREFIX)) map.removeLayer(id)
  for (const id of Object.keys(style.sources)) if (id.startsWith(BASE_PREFIX)) map.removeSource(id)
  const lowest = style.layers.find(({ id, type }) => type !== 'background' && !id.startsWith(BASE_PREFIX))?.id
  for (const [id, source] of Object.entries(base.sources)) map.addSource(id, source)
  for (const layer of base.layers) map.addLayer(layer, lowest)
  thinGrids(map, base.shows)
}

/** The grids let through what lies below them. */
export function thinGrids(map: MapLibreMap, shows: Base['shows']): void {
  if (!map.getLayer(FILL)) return
  const opacity = gridOpacity(shows)
  const hovered = Math.min(1, opacity + 0.18)
  map.setPaintProperty(FILL, 'fill-opacity', [
    'case',
    ['boolean', ['feature-state', 'hover'], false],
    hovered,
    opacity,
  ])
}
