import type { Map as MapLibreMap } from 'maplibre-gl'
import { onMounted, watch, type Ref, type ShallowRef } from 'vue'

import { baseOf, drawBase, thinGrids, type Base } from './drawBase'
import { useBasemapChoice } from './useBasemapChoice'

/** Keeps the chosen base below the grids; `hasGrids` turns true when their layers are on the map. */
export function useBasemap(map: ShallowRef<MapLibreMap | null>, hasGrids: Readonly<Ref<boolean>>): void {
  const { chosen, offered, load } = useBasemapChoice()
  let drawn: Base | null = null
  let asked = 0

  async function draw(): Promise<void> {
    const shown = map.value
    if (!shown || !chosen.value || !offered.value) return
    const mine = ++asked
    // Without the base the map is plainer but complete.
    const base = await baseOf(chosen.value, offered.value).catch(() => null)
    if (!base || mine !== asked || map.value !== shown) return
    // The plain paper is what the map begins with.
    if (base.shows === 'paper' && !drawn) return
    drawn = base
    drawBase(shown, base)
  }

  onMounted(() => void load())
  watch([map, chosen], () => void draw(), { immediate: true })
  watch(hasGrids, () => map.value && drawn && thinGrids(map.value, drawn.shows))
}
