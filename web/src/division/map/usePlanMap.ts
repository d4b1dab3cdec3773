import type { FeatureCollection } from 'geojson'
import type { FilterSpecification, GeoJSONSource, Map as MapLibreMap, MapMouseEvent } from 'maplibre-gl'
import { onBeforeUnmount, onMounted, ref, shallowRef, watch, type Ref as VueRef, type ShallowRef } from 'vue'

import { boundsFrom, createMap, type Padding } from '@/command/map/createMap'
import { hatchImage } from '@/command/map/hatch'
import { HATCH } from '@/command/map/style'
import { boundsOf } from '@/command/map/views'
import type { Bbox } from '@/shared/api/types'

import type { Faults, PlannedWorld, Ref } from '../types'
import {
  CHOSEN,
  FAULTS,
  FAULT_POINTS,
  NAMES,
  PARENTS,
  PREVIEW,
  WORLD,
  WORLD_FILL,
  chosenLayers,
  faultLayers,
  nameLayer,
  planLayers,
} from './planStyle'
import { NOTHING, faultMarks, faultPoints, featuresOf, namesOf } from './shapes'

export interface PlanMapInput {
  container: Readonly<ShallowRef<HTMLElement | null>>
  bounds: () => Bbox | null
  padding: () => Padding
  world: () => PlannedWorld | null
  /** The level above, whose borders are drawn over the displayed one. */
  parents: () => PlannedWorld | null
  chosen: () => readonly Ref[]
  faults: () => Faults | null
  chosenFault: () => number | null
  preview: () => FeatureCollection | null
  isSketching: () => boolean
  locale: Record<string, string>
  onSelect: (ref: Ref | null, isAdding: boolean) => void
  onFault: (index: number) => void
}

export interface PlanMapHandle {
  map: ShallowRef<MapLibreMap | null>
  isDrawn: VueRef<boolean>
  zoomTo: (coordinates: unknown, maxZoom?: number) => void
}

const SOURCES = [WORLD, PARENTS, CHOSEN, FAULTS, FAULT_POINTS, PREVIEW, NAMES]
const FAULT_LAYERS = ['plan-faults-ring', 'plan-faults-fill']

/** Binds a MapLibre map to a plan; the only place of the plan's pages that talks to the map object. */
export function usePlanMap(input: PlanMapInput): PlanMapHandle {
  const map = shallowRef<MapLibreMap | null>(null)
  const isDrawn = ref(false)

  function show(source: string, data: FeatureCollection): void {
    void map.value?.getSource<GeoJSONSource>(source)?.setData(data)
  }
  function drawWorld(): void {
    const world = input.world()
    isDrawn.value = false
    show(WORLD, world ? withoutShapeless(world) : NOTHING)
    show(NAMES, world ? namesOf(world) : NOTHING)
    drawChosen()
  }
  function drawParents(): void {
    const parents = input.parents()
    show(PARENTS, parents ? withoutShapeless(parents) : NOTHING)
  }
  function drawChosen(): void {
    const world = input.world()
    const features = world ? featuresOf(world, input.chosen()) : []
    show(CHOSEN, withoutShapeless({ type: 'FeatureCollection', features }))
  }
  function drawFaults(): void {
    const faults = input.faults()
    show(FAULTS, faults ? faultMarks(faults, input.chosenFault()) : NOTHING)
    show(FAULT_POINTS, faults ? faultPoints(faults, input.chosenFault()) : NOTHING)
  }
  function drawPreview(): void {
    const preview = input.preview()
    show(PREVIEW, preview ? withoutIds(preview) : NOTHING)
    // The parts of a proposal are numbered in the place of the grid's name.
    const isNumbered = preview?.features.some(({ properties }) => properties?.label) ?? false
    const parts: FilterSpecification = ['!', ['in', ['get', 'ref'], ['literal', [...input.chosen()]]]]
    map.value?.setFilter(NAMES, isNumbered ? parts : null)
  }
  function zoomTo(coordinates: unknown, maxZoom = 16.5): void {
    const box = boundsOf(coordinates)
    if (!box.every(Number.isFinite)) return
    map.value?.fitBounds(boundsFrom(box), { padding: input.padding(), maxZoom, duration: 500 })
  }

  onMounted(() => {
    const container = input.container.value
    if (!container) return
    const made = createMap(container, { bounds: input.bounds(), padding: input.padding() }, input.locale)
    made.once('load', () => {
      addPlanLayers(made)
      map.value = made
      for (const work of [drawWorld, drawParents, drawFaults, drawPreview]) work()
      bindPointer(made, input)
      made.on('idle', () => {
        isDrawn.value = true
      })
    })
  })
  onBeforeUnmount(() => map.value?.remove())

  watch(input.world, drawWorld)
  watch(input.parents, drawParents)
  watch(input.chosen, drawChosen)
  watch([input.faults, input.chosenFault], drawFaults)
  watch(input.preview, drawPreview)

  return { map, isDrawn, zoomTo }
}

function addPlanLayers(map: MapLibreMap): void {
  if (!map.hasImage(HATCH)) map.addImage(HATCH, hatchImage())
  for (const id of SOURCES) map.addSource(id, { type: 'geojson', data: NOTHING })
  for (const layer of [...planLayers(), ...chosenLayers(), ...faultLayers(), nameLayer()]) map.addLayer(layer)
}

/** Floors and counters stand in lists, not on the map. */
function withoutShapeless(world: PlannedWorld): FeatureCollection {
  return {
    type: 'FeatureCollection',
    features: world.features.flatMap(({ geometry, properties }) =>
      geometry ? [{ type: 'Feature' as const, geometry, properties: { ...properties } }] : [],
    ),
  }
}

/** A grid code is a number too large for the id of a feature in a tile. */
function withoutIds({ features }: FeatureCollection): FeatureCollection {
  return {
    type: 'FeatureCollection',
    features: features.map(({ geometry, properties }) => ({ type: 'Feature', geometry, properties })),
  }
}

function bindPointer(map: MapLibreMap, input: PlanMapInput): void {
  map.on('click', (event: MapMouseEvent) => {
    if (input.isSketching()) return
    const [fault] = map.queryRenderedFeatures(event.point, { layers: FAULT_LAYERS })
    if (fault) return input.onFault(Number(fault.properties.index))
    const [hit] = map.queryRenderedFeatures(event.point, { layers: [WORLD_FILL, 'plan-fill-retired'] })
    const { shiftKey, ctrlKey, metaKey } = event.originalEvent
    input.onSelect(hit ? String(hit.properties.ref) : null, shiftKey || ctrlKey || metaKey)
  })
  map.on('mousemove', (event: MapMouseEvent) => {
    if (input.isSketching()) return
    const over = map.queryRenderedFeatures(event.point, { layers: [...FAULT_LAYERS, WORLD_FILL] })
    map.getCanvas().style.cursor = over.length ? 'pointer' : ''
  })
  // Shift adds to the selection here; it does not draw a box to zoom to.
  map.boxZoom.disable()
}
