import { computed, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import { fetchGrids } from '@/shared/api/endpoints'
import type { GridSummary } from '@/shared/api/types'
import { useLoad } from '@/shared/composables/useLoad'
import { compactGridCode } from '@/shared/format/gridCode'

const MAX_FOUND = 12

export interface Catalogue {
  byCode: ComputedRef<Map<string, GridSummary>>
  failure: Readonly<ShallowRef<unknown>>
  isLoading: Readonly<Ref<boolean>>
  find: (text: string) => GridSummary[]
  childrenOf: (code: string) => GridSummary[]
  reload: () => Promise<void>
}

/** Every grid one may see on a day: for search and for where its label stands. */
export function useCatalogue(day: Ref<string | null>): Catalogue {
  const grids = useLoad(
    () => ({ on: day.value }),
    (query, signal) => fetchGrids({ query, signal }),
  )
  const byCode = computed(() => new Map((grids.value.value ?? []).map((grid) => [grid.code, grid])))
  return {
    byCode,
    failure: grids.failure,
    isLoading: grids.isLoading,
    childrenOf: (code) => (grids.value.value ?? []).filter(({ parent }) => parent === code),
    find: (text) => findGrids(grids.value.value ?? [], text),
    reload: grids.reload,
  }
}

/** Grids whose name or code holds the text; names that start with it first, then higher levels. */
export function findGrids(grids: readonly GridSummary[], text: string): GridSummary[] {
  const wanted = compactGridCode(text).toLowerCase()
  if (!wanted) return []
  const rank = (grid: GridSummary): number => (grid.name.toLowerCase().startsWith(wanted) ? 0 : 10) + grid.level
  return grids
    .filter((grid) => grid.name.toLowerCase().includes(wanted) || grid.code.includes(wanted))
    .sort((a, b) => rank(a) - rank(b) || a.code.localeCompare(b.code))
    .slice(0, MAX_FOUND)
}

/** The part of a name that its level-1 grid does not already say: 仙林新村第3网格 → 第3网格. */
export function shortName(grid: GridSummary, byCode: ReadonlyMap<string, GridSummary>): string {
  let top: GridSummary | undefined = grid
  while (top?.parent) top = byCode.get(top.parent)
  const place = top?.name.replace(/(社区|村)$/, '')
  if (!place || top?.code === grid.code || !grid.name.startsWith(place)) return grid.name
  const rest = grid.name.slice(place.length).replace(/^(社区|村)/, '')
  // Only what is left as a number is still a name on the map; 亚东花园 must not become 花园.
  return /^第?[\d一二三四五六七八九十]/.test(rest) ? rest : grid.name
}
