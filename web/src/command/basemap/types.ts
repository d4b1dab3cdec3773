/** What may lie below the grids, as the server offers it. */

export interface Basemap {
  name: string
  kind: 'plain' | 'raster' | 'pmtiles'
  zh: string
  en: string
  /** Layers from below, each an address with {z}, {x} and {y}; for PMTiles the file. */
  tiles: string[]
  max_zoom: number
  datum: string
  attribution: string
}

export interface BaseLayer {
  layer: string
  zh: string
  en: string
  features: number
}

export interface Basemaps {
  basemaps: Basemap[]
  layers: BaseLayer[]
}
