import { computed, type ComputedRef } from 'vue'

import type { Call } from '@/shared/api/client'
import { fetchCompliance, fetchGrid, fetchPatrols, fetchTotals } from '@/shared/api/endpoints'
import type { Compliance, GridDetail } from '@/shared/api/types'
import { useLoad, type Load } from '@/shared/composables/useLoad'
import { explainedPair, type ExplainedPair } from '@/shared/patrol/explain'
import { me } from '@/shared/session'

import type { MapState } from './useMapState'

/** The week of a grid: its own pairs and those of the grids inside it, with the reasons of every patrol. */
export interface GridWeek extends Omit<Compliance, 'items'> {
  items: ExplainedPair[]
}

export interface Facts {
  /** Whether the person may see how others patrol; a responsible unit may not. */
  seesCompliance: ComputedRef<boolean>
  totals: Load<Compliance>
  grid: Load<GridDetail>
  gridWeek: Load<GridWeek>
  /** Asks again for everything that a newer judgement may have changed, without a flicker. */
  refresh: () => Promise<void>
  /** Asks again for what could not be loaded. */
  retryFailed: () => void
}

async function loadGridWeek(call: Call): Promise<GridWeek> {
  const [compliance, patrols] = await Promise.all([fetchCompliance(call), fetchPatrols(call)])
  return { ...compliance, items: compliance.items.map((pair) => explainedPair(pair, patrols)) }
}

/** The figures beside the map: the whole scope, and the chosen grid. */
export function useFacts(state: MapState): Facts {
  const seesCompliance = computed(() => me.value?.actions.includes('read_compliance') ?? false)
  const totals = useLoad(
    () => (seesCompliance.value ? state.week.value : null),
    (week, signal) => fetchTotals({ query: { week }, signal }),
  )
  const grid = useLoad(
    () => (state.gridCode.value ? { code: state.gridCode.value, on: state.day.value } : null),
    ({ code, on }, signal) => fetchGrid(code, { query: { on }, signal }),
  )
  const gridWeek = useLoad(
    () => (seesCompliance.value && state.gridCode.value ? `${state.gridCode.value} ${state.week.value}` : null),
    (_, signal) => loadGridWeek({ query: { grid: state.gridCode.value, week: state.week.value }, signal }),
  )
  return {
    seesCompliance,
    totals,
    grid,
    gridWeek,
    retryFailed: () => {
      for (const load of [totals, grid, gridWeek]) if (load.failure.value) void load.reload()
    },
    refresh: async () => {
      await Promise.all([totals.reload({ quiet: true }), gridWeek.reload({ quiet: true })])
    },
  }
}
