import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter, type LocationQueryRaw } from 'vue-router'

import { fetchGrids, readGridCode } from '@/shared/api/endpoints'
import type { GridSummary } from '@/shared/api/types'
import { useLoad, type Load } from '@/shared/composables/useLoad'
import { isDay, today } from '@/shared/format/day'
import { localHalf } from '@/shared/i18n'
import { me } from '@/shared/session'

import { streetCodeOf, streetsOf, type Street } from './streets'

export interface DeskState {
  /** Every grid one may see on the day. */
  grids: Load<GridSummary[]>
  streets: ComputedRef<Street[]>
  street: ComputedRef<string | null>
  /** The day looked at. */
  day: ComputedRef<string>
  /** The grids of the chosen street, by code. */
  gridsHere: ComputedRef<GridSummary[]>
  text: (name: string) => string | null
  /** Another choice; null takes it out of the address. */
  choose: (part: LocationQueryRaw) => void
}

/** What a desk page looks at, kept in the address so that it can be shared and survives a reload. */
export function useDeskState(): DeskState {
  const route = useRoute()
  const router = useRouter()

  const text = (name: string): string | null => {
    const value = route.query[name]
    return typeof value === 'string' && value !== '' ? value : null
  }
  const day = computed(() => (isDay(route.query.on) ? route.query.on : today()))
  const grids = useLoad(
    () => day.value,
    (on, signal) => fetchGrids({ query: { on }, signal }),
  )
  const found = computed(() => streetsOf(me.value?.assignments ?? [], grids.value.value ?? []))
  const named = useLoad(
    () => namelessOf(found.value, grids.value.value).join(' ') || null,
    (codes, signal) => namesOf(codes.split(' '), signal),
  )
  const streets = computed(() =>
    found.value.map(({ code, name }) => ({ code, name: named.value.value?.get(code) ?? name })),
  )
  const street = computed(() => {
    const wanted = text('street')
    return streets.value.find(({ code }) => code === wanted)?.code ?? streets.value[0]?.code ?? null
  })
  const gridsHere = computed(() =>
    (grids.value.value ?? [])
      .filter(({ code }) => streetCodeOf(code) === street.value)
      .sort((a, b) => a.code.localeCompare(b.code)),
  )

  function choose(part: LocationQueryRaw): void {
    const query = { ...route.query, ...part }
    for (const [name, value] of Object.entries(query)) if (value === null || value === '') delete query[name]
    void router.replace({ query })
  }

  return { grids, streets, street, day, gridsHere, text, choose }
}

/** One grid of each street whose name no assignment tells. */
function namelessOf(streets: readonly Street[], grids: readonly GridSummary[] | null): string[] {
  return streets.flatMap(({ code, name }) => {
    const grid = code === name ? grids?.find((one) => streetCodeOf(one.code) === code) : undefined
    return grid ? [grid.code] : []
  })
}

async function namesOf(codes: readonly string[], signal: AbortSignal): Promise<Map<string, string>> {
  const readings = await Promise.all(codes.map((code) => readGridCode(code, { signal })))
  return new Map(
    readings.flatMap(({ code, groups }) => {
      const meaning = groups.find(({ name }) => name === 'street')?.meaning
      return meaning ? [[streetCodeOf(code), localHalf(meaning)] as const] : []
    }),
  )
}
