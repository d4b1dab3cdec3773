import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import { get } from '@/shared/api/client'
import { readStored, store } from '@/shared/storage'

import type { Basemap, Basemaps } from './types'

const STORED = 'xunge.basemap'

// One choice for the map and its switch.
const offered = shallowRef<Basemaps | null>(null)
const failure = shallowRef<unknown>(null)
const wanted = ref(readStored(STORED) ?? 'plain')

export interface BasemapChoice {
  offered: Readonly<ShallowRef<Basemaps | null>>
  failure: Readonly<ShallowRef<unknown>>
  name: Readonly<Ref<string>>
  /** Null until the server said what there is. */
  chosen: ComputedRef<Basemap | null>
  choose: (name: string) => void
  load: () => Promise<void>
}

/** Which base map is shown; remembered on this device. */
export function useBasemapChoice(): BasemapChoice {
  const chosen = computed(() => {
    const all = offered.value?.basemaps ?? []
    return all.find(({ name }) => name === wanted.value) ?? all[0] ?? null
  })
  return {
    offered,
    failure,
    name: computed(() => chosen.value?.name ?? wanted.value),
    chosen,
    choose: (name) => {
      wanted.value = name
      store(STORED, name === 'plain' ? null : name)
    },
    load: async () => {
      try {
        offered.value = await get<Basemaps>('/v1/basemap')
        failure.value = null
      } catch (caught) {
        failure.value = caught
      }
    },
  }
}
