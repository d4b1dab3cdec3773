import type { LineString, Polygon, Position } from 'geojson'
import type { Map as MapLibreMap } from 'maplibre-gl'
import {
  TerraDraw,
  TerraDrawLineStringMode,
  TerraDrawPolygonMode,
  TerraDrawSelectMode,
  ValidateNotSelfIntersecting,
  type GeoJSONStoreFeatures,
  type SnapToCustom,
} from 'terra-draw'
import { TerraDrawMapLibreGLAdapter } from 'terra-draw-maplibre-gl-adapter'
import { onBeforeUnmount, shallowRef, type ShallowRef } from 'vue'

import type { Sketch } from '../tools'
import type { Area } from '../types'
import { MOST_HANDLES, restored, thinned, type Thinned } from './handles'
import { rounded, snapped } from './snap'

/** What is drawn with a tool until it is sent; it outlives a refusal, so that nothing has to be drawn twice. */
export type Drawn =
  | { sketch: 'line'; line: LineString }
  | { sketch: 'areas'; areas: Polygon[] }
  | { sketch: 'area'; area: Polygon }
  | { sketch: 'boundary'; boundary: Area }

export interface SketchHandle {
  active: Readonly<ShallowRef<Sketch | null>>
  drawn: Readonly<ShallowRef<Drawn | null>>
  /** Whether the boundary has more vertices than handles are shown of. */
  isThinned: Readonly<ShallowRef<boolean>>
  start: (sketch: Sketch, options: { rings: () => Position[][]; shape?: Area | null }) => void
  /** Finishes the line or area under way, as the Enter key does. */
  finish: () => void
  /** Gives up what is under way; false when nothing was. */
  drop: () => boolean
  /** Throws away what was drawn and begins again. */
  again: () => void
  /** Sets a point at the middle of the map: drawing without a pointer. */
  placeAtCentre: () => void
  stop: () => void
}

const ACCENT = '#0d4853'
const DRAWN = '#5b3fa8'
const WHITE = '#ffffff'
const MODES = { line: 'linestring', areas: 'polygon', area: 'polygon', boundary: 'select' } as const

const soundShape: typeof ValidateNotSelfIntersecting = (feature) => ValidateNotSelfIntersecting(feature)
const soundWhenDone = (
  feature: GeoJSONStoreFeatures,
  { updateType }: { updateType: string },
): ReturnType<typeof soundShape> => (updateType === 'provisional' ? { valid: true } : soundShape(feature))

/** Drawing on the plan's map. Terra Draw does the pointer work; what comes out is plain GeoJSON. */
export function useSketch(map: () => MapLibreMap | null): SketchHandle {
  const active = shallowRef<Sketch | null>(null)
  const drawn = shallowRef<Drawn | null>(null)
  let draw: TerraDraw | null = null
  let begun: Parameters<SketchHandle['start']> | null = null
  const isThinned = shallowRef(false)
  // Of the boundary that is moved: inner rings and vertices without a handle come back with the shape.
  let polygons: Position[][][] = []
  let between: Thinned['between'][] = []

  function snapping(): { toCustom: SnapToCustom } {
    return {
      toCustom: ({ lng, lat }) => {
        const shown = map()
        if (!shown || !begun) return undefined
        const place = snapped([lng, lat], begun[1].rings(), (lon, at) => shown.project([lon, at]))
        return place && rounded(place)
      },
    }
  }

  function start(...wanted: Parameters<SketchHandle['start']>): void {
    const shown = map()
    stop()
    if (!shown) return
    begun = wanted
    const [sketch, { shape }] = wanted
    draw = newDraw(shown, snapping())
    draw.start()
    draw.on('finish', () => read(sketch))
    draw.setMode(MODES[sketch])
    active.value = sketch
    if (sketch !== 'boundary' || !shape) return
    takeUp(shape)
    shown.on('moveend', lookCloser)
  }

  /** Handles for what is in view now; what was moved already stays moved. */
  function lookCloser(): void {
    if (!isThinned.value || !draw) return
    const boundary = boundaryOf(draw.getSnapshot().filter(isDrawn))
    draw.clear()
    takeUp(boundary)
  }

  function takeUp(shape: Area): void {
    const box = map()?.getBounds()
    polygons = shape.type === 'Polygon' ? [shape.coordinates] : shape.coordinates
    isThinned.value = polygons.some(([outer = []]) => outer.length > MOST_HANDLES)
    const shown = polygons.map(([outer = []]) =>
      thinned(outer, ([lon = 0, lat = 0]) => box?.contains([lon, lat]) ?? true),
    )
    between = shown.map((one) => one.between)
    const ids = draw?.addFeatures(
      shown.map(({ ring }, index) => ({
        type: 'Feature',
        geometry: { type: 'Polygon', coordinates: [ring] },
        properties: { mode: 'polygon', part: index },
      })),
    )
    const first = ids?.find(({ valid }) => valid)?.id
    if (first !== undefined) draw?.selectFeature(first)
  }

  function read(sketch: Sketch): void {
    const features = (draw?.getSnapshot() ?? []).filter(isDrawn)
    const areas = features.flatMap(({ geometry }) => (geometry.type === 'Polygon' ? [geometry] : []))
    const lines = features.flatMap(({ geometry }) => (geometry.type === 'LineString' ? [geometry] : []))
    const [line, area] = [lines.at(-1), areas.at(-1)]
    if (sketch === 'line' && line) drawn.value = { sketch, line }
    if (sketch === 'areas' && areas.length) drawn.value = { sketch, areas }
    if (sketch === 'area' && area) drawn.value = { sketch, area }
    if (sketch === 'boundary') drawn.value = { sketch, boundary: boundaryOf(features) }
    // One line or one area is enough; parts of a grid may be many.
    if (sketch === 'line' || sketch === 'area') draw?.setMode('static')
  }

  function boundaryOf(features: readonly GeoJSONStoreFeatures[]): Area {
    const moved = new Map(
      features.flatMap(({ geometry, properties }) =>
        geometry.type === 'Polygon' ? [[Number(properties.part), geometry.coordinates[0] ?? []] as const] : [],
      ),
    )
    // A part that could not be taken up stays as it was.
    const coordinates = polygons.map(([outer = [], ...inner], part) => {
      const ring = moved.get(part)
      return [ring ? restored(ring, between[part] ?? new Map()) : outer, ...inner]
    })
    return { type: 'MultiPolygon', coordinates }
  }

  function stop(): void {
    map()?.off('moveend', lookCloser)
    if (draw?.enabled) draw.stop()
    draw = null
    isThinned.value = false
    active.value = null
    drawn.value = null
    polygons = []
    between = []
    begun = null
  }

  function again(): void {
    if (begun) start(...begun)
  }

  function drop(): boolean {
    if (!draw || draw.getModeState() !== 'drawing') return false
    const finished = drawn.value
    draw.setMode(draw.getMode())
    drawn.value = finished
    return true
  }

  function finish(): void {
    press('keydown')
    press('keyup')
  }
  function press(kind: 'keydown' | 'keyup'): void {
    map()
      ?.getCanvas()
      .dispatchEvent(new KeyboardEvent(kind, { key: 'Enter', bubbles: false }))
  }

  function placeAtCentre(): void {
    const canvas = map()?.getCanvas()
    if (!canvas || !draw) return
    const box = canvas.getBoundingClientRect()
    const at = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, isPrimary: true, button: 0 }
    for (const kind of ['pointermove', 'pointerdown', 'pointerup'])
      canvas.dispatchEvent(new PointerEvent(kind, { ...at, buttons: kind === 'pointerdown' ? 1 : 0, bubbles: true }))
  }

  // Before the map goes, which takes the drawn layers with it.
  onBeforeUnmount(stop)
  return { active, drawn, isThinned, start, finish, drop, again, placeAtCentre, stop }
}

/** Not the handles that Terra Draw itself draws. */
function isDrawn({ properties }: GeoJSONStoreFeatures): boolean {
  return !properties.midPoint && !properties.selectionPoint && !properties.currentlyDrawing
}

function newDraw(map: MapLibreMap, snapping: { toCustom: SnapToCustom }): TerraDraw {
  const points = {
    closingPointColor: WHITE,
    closingPointOutlineColor: DRAWN,
    closingPointWidth: 6,
    closingPointOutlineWidth: 3,
    snappingPointColor: DRAWN,
    snappingPointOutlineColor: WHITE,
    snappingPointWidth: 6,
    snappingPointOutlineWidth: 2,
  } as const
  const keyEvents = { cancel: null, finish: 'Enter' }
  return new TerraDraw({
    adapter: new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: 9 }),
    modes: [
      new TerraDrawLineStringMode({
        snapping,
        keyEvents,
        styles: { lineStringColor: DRAWN, lineStringWidth: 3.5, ...points },
      }),
      new TerraDrawPolygonMode({
        snapping,
        keyEvents,
        validation: soundWhenDone,
        styles: { fillColor: DRAWN, fillOpacity: 0.16, outlineColor: DRAWN, outlineWidth: 3.5, ...points },
      }),
      new TerraDrawSelectMode({
        allowManualDeselection: false,
        keyEvents: { deselect: null, delete: 'Delete', rotate: null, scale: null },
        flags: {
          polygon: {
            feature: {
              draggable: false,
              validation: soundShape,
              coordinates: { midpoints: { draggable: true }, draggable: true, deletable: true, snappable: snapping },
            },
          },
        },
        styles: {
          selectedPolygonColor: DRAWN,
          selectedPolygonFillOpacity: 0.14,
          selectedPolygonOutlineColor: DRAWN,
          selectedPolygonOutlineWidth: 3.5,
          selectionPointColor: WHITE,
          selectionPointOutlineColor: ACCENT,
          selectionPointWidth: 6,
          selectionPointOutlineWidth: 2.5,
          midPointColor: DRAWN,
          midPointOutlineColor: WHITE,
          midPointWidth: 4,
          midPointOutlineWidth: 1.5,
        },
      }),
    ],
  })
}
