import { computed, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import { tileSetOf, type TileSet } from '@/command/useTiles'
import { getIfChanged, isAbort } from '@/shared/api/client'
import type { GridSummary, TileDocument } from '@/shared/api/types'
import { useLoad, type Load } from '@/shared/composables/useLoad'
import { usePoll } from '@/shared/composables/usePoll'
import { streetCodeOf } from '@/shared/desk/streets'

import { fetchCoverageSummary } from './coverageApi'
import { topLevel } from './scale'
import type { CoverageDays, CoverageSummary } from './types'

const POLL_MS = 15_000

export interface CoverageAsked {
  isOn: Ref<boolean>
  days: Ref<CoverageDays>
  gridCode: Ref<string | null>
  catalogue: Ref<ReadonlyMap<string, GridSummary>>
}

export interface Coverage {
  tiles: Readonly<ShallowRef<TileSet | null>>
  failure: Readonly<ShallowRef<unknown>>
  isLoading: ComputedRef<boolean>
  reload: () => Promise<void>
  /** Every topmost grid that one sees. */
  whole: Load<CoverageSummary>
  /** The chosen grid alone, and the grids right inside it. */
  grid: Load<{ own: CoverageSummary; inside: CoverageSummary | null }>
}

/** The heatmap and its shares, while they are looked at. */
export function useCoverage({ isOn, days, gridCode, catalogue }: CoverageAsked): Coverage {
  const tiles = shallowRef<TileSet | null>(null)
  const failure = shallowRef<unknown>(null)
  let etag: string | null = null
  let running: AbortController | null = null

  async function ask(isNew: boolean): Promise<void> {
    running?.abort()
    const mine = (running = new AbortController())
    const query = { days: days.value }
    const answer = await getIfChanged<TileDocument>('/tiles/coverage.json', isNew ? null : etag, {
      query,
      signal: mine.signal,
    })
    if (mine !== running || !isOn.value) return
    failure.value = null
    if (!answer.body) return
    etag = answer.etag
    tiles.value = tileSetOf(answer.body)
  }

  async function load(): Promise<void> {
    try {
      await ask(true)
    } catch (caught) {
      if (!isAbort(caught)) failure.value = caught
    }
  }

  watch(
    [isOn, days],
    ([on]) => {
      failure.value = null
      if (on) void load()
      else {
        running?.abort()
        tiles.value = null
      }
    },
    { immediate: true },
  )
  usePoll(async () => {
    if (isOn.value) await ask(tiles.value === null)
  }, POLL_MS)

  const level = computed(() => topLevel([...catalogue.value.values()].map((grid) => grid.level)))
  const tops = computed(() => [...catalogue.value.values()].filter((grid) => grid.level === level.value))
  const whole = useLoad(
    () => (isOn.value && tops.value.length ? `${days.value} ${streetsOf(tops.value).join(' ')}` : null),
    (_, signal) => summaryOfStreets(streetsOf(tops.value), days.value, level.value, signal),
  )
  const grid = useLoad(
    // Which level the grid has is in the catalogue: before it is there, the figures would be of another level.
    () => (isOn.value && gridCode.value && catalogue.value.size ? `${days.value} ${gridCode.value}` : null),
    (_, signal) => summaryOfGrid(catalogue.value.get(gridCode.value ?? ''), gridCode.value ?? '', days.value, signal),
  )

  return {
    tiles,
    failure,
    isLoading: computed(() => isOn.value && !tiles.value && !failure.value),
    reload: load,
    whole,
    grid,
  }
}

function streetsOf(grids: readonly GridSummary[]): string[] {
  return [...new Set(grids.map(({ code }) => streetCodeOf(code)))]
}

async function summaryOfStreets(
  streets: readonly string[],
  days: CoverageDays,
  level: number,
  signal: AbortSignal,
): Promise<CoverageSummary> {
  const all = await Promise.all(streets.map((street) => fetchCoverageSummary({ street, days, level }, { signal })))
  const [first] = all
  if (!first) throw new Error('no street')
  return { ...first, items: all.flatMap(({ items }) => items) }
}

async function summaryOfGrid(
  known: GridSummary | undefined,
  grid: string,
  days: CoverageDays,
  signal: AbortSignal,
): Promise<{ own: CoverageSummary; inside: CoverageSummary | null }> {
  const level = known?.level ?? 3
  const ask = (wanted: number): Promise<CoverageSummary> =>
    fetchCoverageSummary({ grid, days, level: wanted }, { signal })
  const [own, inside] = await Promise.all([ask(Math.min(3, level)), level < 3 ? ask(level + 1) : null])
  return { own, inside }
}
