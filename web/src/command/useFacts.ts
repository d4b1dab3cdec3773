import { computed, type ComputedRef } from 'vue'

import { fetchCompliance, fetchGrid, fetchWholeCompliance } from '@/shared/api/endpoints'
import type { Compliance, GridDetail } from '@/shared/api/types'
import { useLoad, type Load } from '@/shared/composables/useLoad'
import { me } from '@/shared/session'

import type { MapState } from './useMapState'

export interface Facts {
  /** Whether the person may see how others patrol; a responsible unit may not. */
  seesCompliance: ComputedRef<boolean>
  totals: Load<Compliance>
  grid: Load<GridDetail>
  gridWeek: Load<Compliance>
  /** Asks again for everything that a newer judgement may have changed, without a flicker. */
  refresh: () => void
  /** Asks again for what could not be loaded. */
  retryFailed: () => void
}

/** The figures beside the map: the whole scope, and the chosen grid. */
export function useFacts(state: MapState): Facts {
  const seesCompliance = computed(() => me.value?.actions.includes('read_compliance') ?? false)
  const totals = useLoad(
    () => (seesCompliance.value ? state.week.value : null),
    (week, signal) => fetchCompliance({ query: { week }, signal }),
  )
  const grid = useLoad(
    () => state.gridCode.value,
    (code, signal) => fetchGrid(code, { signal }),
  )
  const gridWeek = useLoad(
    () => (seesCompliance.value && state.gridCode.value ? `${state.gridCode.value} ${state.week.value}` : null),
    (_, signal) => fetchWholeCompliance({ query: { grid: state.gridCode.value, week: state.week.value }, signal }),
  )
  return {
    seesCompliance,
    totals,
    grid,
    gridWeek,
    retryFailed: () => {
      for (const load of [totals, grid, gridWeek]) if (load.failure.value) void load.reload()
    },
    refresh: () => {
      void totals.reload({ quiet: true })
      void gridWeek.reload({ quiet: true })
    },
  }
}
