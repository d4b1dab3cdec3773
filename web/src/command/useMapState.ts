import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter, type LocationQueryRaw } from 'vue-router'

import { COVERAGE_DAYS, type CoverageDays } from '@/coverage/types'
import { isDay, today } from '@/shared/format/day'
import { useCurrentWeek } from '@/shared/composables/useCurrentWeek'
import { isWeek } from '@/shared/format/week'
import { isGridCode } from '@/shared/format/gridCode'

export const LEVEL_CHOICES = ['auto', '1', '2', '3'] as const
export type LevelChoice = (typeof LEVEL_CHOICES)[number]

export interface MapState {
  level: ComputedRef<LevelChoice>
  week: ComputedRef<string>
  thisWeek: Readonly<ComputedRef<string>>
  gridCode: ComputedRef<string | null>
  /** The day whose division is shown; null for today's. */
  day: ComputedRef<string | null>
  /** Coloured by what was walked in the last days instead of by who is done this week. */
  isCoverage: ComputedRef<boolean>
  coverageDays: ComputedRef<CoverageDays>
  showCoverage: (isCoverage: boolean) => void
  showCoverageDays: (days: CoverageDays) => void
  showLevel: (level: LevelChoice) => void
  showWeek: (week: string) => void
  showGrid: (code: string | null) => void
  showDay: (day: string | null) => void
}

/** What the map shows, kept in the address so that it can be shared and survives a reload. */
export function useMapState(): MapState {
  const route = useRoute()
  const router = useRouter()
  const thisWeek = useCurrentWeek()

  const level = computed(() => LEVEL_CHOICES.find((choice) => choice === route.query.level) ?? 'auto')
  const week = computed(() => {
    const wanted = route.query.week
    return isWeek(wanted) && wanted <= thisWeek.value ? wanted : thisWeek.value
  })
  const gridCode = computed(() => {
    const wanted = route.query.grid
    return typeof wanted === 'string' && isGridCode(wanted) ? wanted : null
  })

  const day = computed(() => (isDay(route.query.on) && route.query.on !== today() ? route.query.on : null))

  const isCoverage = computed(() => route.query.layer === 'coverage')
  const coverageDays = computed(() => COVERAGE_DAYS.find((days) => String(days) === route.query.days) ?? 30)

  function change(part: LocationQueryRaw, isStep: boolean): void {
    const query = { ...route.query, ...part }
    for (const [name, value] of Object.entries(query)) if (value === null) delete query[name]
    void (isStep ? router.push({ query }) : router.replace({ query }))
  }

  return {
    level,
    week,
    thisWeek: computed(() => thisWeek.value),
    gridCode,
    day,
    isCoverage,
    coverageDays,
    showCoverage: (isOn) => change({ layer: isOn ? 'coverage' : null, days: null }, false),
    showCoverageDays: (days) => change({ days: days === 30 ? null : String(days) }, false),
    showLevel: (choice) => change({ level: choice === 'auto' ? null : choice }, false),
    showWeek: (choice) => change({ week: choice === thisWeek.value ? null : choice }, false),
    showDay: (choice) => change({ on: choice === today() ? null : choice }, false),
    // Opening a panel is a step that "back" undoes; going from grid to grid is not.
    showGrid: (code) => change({ grid: code }, code !== null && gridCode.value === null),
  }
}
