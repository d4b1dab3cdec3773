import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import { get, getIfChanged, isAbort } from '@/shared/api/client'
import type { Bbox, TileDocument } from '@/shared/api/types'
import { usePoll } from '@/shared/composables/usePoll'

const POLL_MS = 5000

export interface TileSet {
  url: string
  minzoom: number
  maxzoom: number
  bounds: Bbox | null
}

export interface LiveTiles {
  tiles: Readonly<ShallowRef<TileSet | null>>
  failure: Readonly<ShallowRef<unknown>>
  isLoading: ComputedRef<boolean>
  reload: () => Promise<void>
}

/** What the map shows: a level, the results of a week, and the division of a day where it is not today's. */
export interface Wanted {
  level: Ref<string>
  week: Ref<string>
  day: Ref<string | null>
}

/** The tile address for a level, week and day; asks every few seconds whether there is a newer one. */
export function useLiveTiles({ level, week, day }: Wanted, onNewer: () => unknown): LiveTiles {
  const tiles = shallowRef<TileSet | null>(null)
  const failure = shallowRef<unknown>(null)
  const loadedFor = ref<string | null>(null)
  const wanted = computed(() => `${level.value} ${week.value} ${day.value ?? ''}`)
  let etag: string | null = null
  let running: AbortController | null = null

  async function ask(): Promise<void> {
    const asked = wanted.value
    const isSame = loadedFor.value === asked
    running?.abort()
    running = new AbortController()
    const query = { level: level.value, week: week.value, on: day.value }
    const answer = await getIfChanged<TileDocument>('/tiles/grids.json', isSame ? etag : null, {
      query,
      signal: running.signal,
    })
    failure.value = null
    if (!answer.body) return
    const before = tiles.value?.url
    etag = answer.etag
    loadedFor.value = asked
    tiles.value = tileSetOf(answer.body)
    if (isSame && before !== tiles.value?.url) onNewer()
  }

  async function load(): Promise<void> {
    try {
      await ask()
    } catch (caught) {
      if (!isAbort(caught)) failure.value = caught
    }
  }

  watch(wanted, load, { immediate: true })
  usePoll(async () => {
    if (loadedFor.value === wanted.value) await ask()
    else await load()
  }, POLL_MS)
  onScopeDispose(() => running?.abort())

  return { tiles, failure, isLoading: computed(() => loadedFor.value !== wanted.value && !failure.value), reload: load }
}

/** Borders of the upper levels, drawn over the displayed one. They rarely change, so they are asked for once a day shown. */
export function useOutlines(day: Ref<string | null>): Readonly<ShallowRef<Partial<Record<1 | 2, TileSet>>>> {
  const outlines = shallowRef<Partial<Record<1 | 2, TileSet>>>({})
  watch(
    day,
    (on) => {
      for (const level of [1, 2] as const) {
        // Without them the map is plainer but complete, so a failure is not worth a message.
        get<TileDocument>('/tiles/grids.json', { query: { level, on } }).then(
          (document) => {
            const tiles = tileSetOf(document)
            if (tiles && on === day.value) outlines.value = { ...outlines.value, [level]: tiles }
          },
          () => undefined,
        )
      }
    },
    { immediate: true },
  )
  return outlines
}

/** The one tile set of a TileJSON document, with an address that the map's worker can use. */
export function tileSetOf(document: TileDocument, origin = window.location.origin): TileSet | null {
  const [address] = document.tiles
  if (!address) return null
  const url = address.startsWith('/') ? origin + address : address
  return { url, minzoom: document.minzoom, maxzoom: document.maxzoom, bounds: document.bounds ?? null }
}
