import type { GeoJSONSource, Map as MapLibreMap, MapLayerMouseEvent, MapMouseEvent } from 'maplibre-gl'
import { onBeforeUnmount, onMounted, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'

import { CELLS, COVERAGE, showCoverage } from '@/coverage/layers'
import { cellOf } from '@/coverage/scale'
import type { CellView, CoverageDays } from '@/coverage/types'
import { renewToken } from '@/shared/api/tokens'
import type { Bbox, Geometry, GridSummary } from '@/shared/api/types'

import type { TileSet } from '../useTiles'
import { addFixedLayers, boundsFrom, createMap, showOutline, showTiles, type Padding } from './createMap'
import { GRIDS, LABELS, OUTLINES, SELECTED, TILE_LAYER, TOUCH } from './style'
import { boundsOf, labelsOf, sameViews, viewsOf, type GridView } from './views'

export interface GridMapInput {
  container: Readonly<ShallowRef<HTMLElement | null>>
  bounds: () => Bbox | null
  padding: () => Padding
  tiles: () => TileSet | null
  /** The heatmap over the grids; null while they are coloured by the week. */
  coverage: () => { tiles: TileSet; days: CoverageDays } | null
  outlines: () => Partial<Record<1 | 2, TileSet>>
  catalogue: () => ReadonlyMap<string, GridSummary>
  selected: () => Geometry | null
  locale: Record<string, string>
  onSelect: (code: string | null, cell: CellView | null) => void
}

export interface Hover {
  view: GridView
  /** Of the heatmap, while it is shown. */
  cell: CellView | null
  x: number
  y: number
}

export interface GridMapHandle {
  map: ShallowRef<MapLibreMap | null>
  views: ShallowRef<GridView[]>
  hover: ShallowRef<Hover | null>
  isDrawn: Ref<boolean>
  /** How many cells of the heatmap are drawn. */
  cells: Ref<number>
  zoom: Ref<number>
}

const EMPTY = { type: 'FeatureCollection' as const, features: [] }

/** Binds a MapLibre map to reactive inputs; the only place that talks to the map object. */
export function useGridMap(input: GridMapInput): GridMapHandle {
  const map = shallowRef<MapLibreMap | null>(null)
  const views = shallowRef<GridView[]>([])
  const hover = shallowRef<Hover | null>(null)
  const isDrawn = ref(false)
  const cells = ref(0)
  const zoom = ref(12)
  let renewing = false

  function readViews(): void {
    const shown = map.value
    if (!shown?.getLayer(TOUCH)) return
    const drawn = viewsOf(shown.queryRenderedFeatures({ layers: [TOUCH] }))
    cells.value = shown.getLayer(CELLS) ? shown.queryRenderedFeatures({ layers: [CELLS] }).length : 0
    isDrawn.value = shown.areTilesLoaded()
    if (sameViews(views.value, drawn)) return
    views.value = drawn
    drawLabels()
    matchOutlines(shown, drawn[0]?.level ?? 1)
  }

  function drawLabels(): void {
    void map.value?.getSource<GeoJSONSource>(LABELS)?.setData(labelsOf(views.value, input.catalogue(), !input.coverage()))
  }

  function drawSelected(geometry: Geometry | null): void {
    const source = map.value?.getSource<GeoJSONSource>(SELECTED)
    void source?.setData(geometry ? { type: 'Feature', geometry: geometry as never, properties: {} } : EMPTY)
  }

  function drawTiles(tiles: TileSet | null): void {
    if (!map.value || !tiles) return
    isDrawn.value = false
    hover.value = null
    showTiles(map.value, tiles)
    drawCoverage()
  }

  function drawCoverage(): void {
    if (!map.value) return
    const shown = input.coverage()
    showCoverage(map.value, shown?.tiles ?? null, shown?.days ?? 30)
    drawLabels()
  }

  function drawOutlines(outlines: Partial<Record<1 | 2, TileSet>>): void {
    if (!map.value) return
    for (const level of [1, 2] as const) {
      const tiles = outlines[level]
      if (tiles) showOutline(map.value, level, tiles)
    }
  }

  /** A token may end while a tile is under way; ask once more with a new one. */
  async function recoverTiles(status: number | undefined): Promise<void> {
    if (status !== 401 || renewing) return
    renewing = true
    await renewToken().then(
      () => {
        for (const source of [GRIDS, COVERAGE]) if (map.value?.getSource(source)) map.value.refreshTiles(source)
      },
      () => undefined,
    )
    renewing = false
  }

  onMounted(() => {
    const container = input.container.value
    if (!container) return
    const made = createMap(container, { bounds: input.bounds(), padding: input.padding() }, input.locale)
    made.on('error', ({ error }) => void recoverTiles((error as Error & { status?: number }).status))
    made.once('load', () => {
      addFixedLayers(made)
      map.value = made
      drawTiles(input.tiles())
      drawCoverage()
      drawOutlines(input.outlines())
      drawSelected(input.selected())
      bindPointer(made, hover, input.onSelect)
      made.on('idle', readViews)
      zoom.value = made.getZoom()
      made.on('zoomend', () => (zoom.value = made.getZoom()))
    })
  })
  onBeforeUnmount(() => map.value?.remove())

  watch(input.tiles, drawTiles)
  watch(input.coverage, drawCoverage)
  watch(input.outlines, drawOutlines)
  watch(input.selected, drawSelected)
  watch(input.catalogue, drawLabels)

  return { map, views, hover, isDrawn, cells, zoom }
}

/** Borders of level 2 only make sense inside level 1: they show once level 2 or 3 is displayed. */
function matchOutlines(map: MapLibreMap, displayedLevel: number): void {
  if (!map.getLayer(OUTLINES[2])) return
  map.setLayoutProperty(OUTLINES[2], 'visibility', displayedLevel >= 2 ? 'visible' : 'none')
}

function cellAt(map: MapLibreMap, point: MapMouseEvent['point']): CellView | null {
  const [drawn] = map.getLayer(CELLS) ? map.queryRenderedFeatures(point, { layers: [CELLS] }) : []
  return drawn ? cellOf(drawn.properties) : null
}

function bindPointer(map: MapLibreMap, hover: ShallowRef<Hover | null>, onSelect: GridMapInput['onSelect']): void {
  let hoveredId: string | number | undefined

  function setHover(id: string | number | undefined): void {
    if (id === hoveredId) return
    const at = (featureId: string | number): { source: string; sourceLayer: string; id: string | number } => ({
      source: GRIDS,
      sourceLayer: TILE_LAYER,
      id: featureId,
    })
    if (hoveredId !== undefined) map.setFeatureState(at(hoveredId), { hover: false })
    if (id !== undefined) map.setFeatureState(at(id), { hover: true })
    hoveredId = id
  }

  map.on('mousemove', TOUCH, (event: MapLayerMouseEvent) => {
    const [feature] = event.features ?? []
    const [view] = feature ? viewsOf([feature]) : []
    setHover(feature?.id)
    hover.value = view ? { view, cell: cellAt(map, event.point), x: event.point.x, y: event.point.y } : null
    map.getCanvas().style.cursor = view ? 'pointer' : ''
  })
  map.on('mouseleave', TOUCH, () => {
    setHover(undefined)
    hover.value = null
    map.getCanvas().style.cursor = ''
  })
  map.on('click', (event: MapMouseEvent) => {
    const [feature] = map.getLayer(TOUCH) ? map.queryRenderedFeatures(event.point, { layers: [TOUCH] }) : []
    onSelect(feature ? String(feature.properties.code) : null, cellAt(map, event.point))
  })
}

export interface Place {
  geometry: Geometry | null
  centre: [lon: number, lat: number] | null
}

/** Brings a whole grid into the free part of the map; a floor has no shape, but it stands somewhere. */
export function flyTo(map: MapLibreMap, { geometry, centre }: Place, padding: Padding): void {
  const box = geometry ? boundsOf(geometry.coordinates) : centre && boundsOf(centre)
  if (box) map.fitBounds(boundsFrom(box), { padding, maxZoom: 15.5, duration: 600 })
}

/** Moves the map just so far that a grid does not lie under a panel. */
export function reveal(map: MapLibreMap, { geometry, centre }: Place, padding: Padding): void {
  const [west, south, east, north] = boundsOf(geometry?.coordinates ?? centre)
  const topLeft = map.project([west, north])
  const bottomRight = map.project([east, south])
  const { clientWidth, clientHeight } = map.getContainer()
  const x = shift(topLeft.x, bottomRight.x, padding.left, clientWidth - padding.right)
  const y = shift(topLeft.y, bottomRight.y, padding.top, clientHeight - padding.bottom)
  if (x || y) map.panBy([x, y], { duration: 400 })
}

/** How far a stretch must move to lie between two marks; what is too long is centred. */
function shift(start: number, end: number, from: number, to: number): number {
  if (end - start > to - from) return (start + end) / 2 - (from + to) / 2
  return Math.max(0, end - to) || Math.min(0, start - from)
}
