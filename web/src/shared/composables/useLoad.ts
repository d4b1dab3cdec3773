import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'

import { isAbort } from '../api/client'

export interface Load<Value> {
  /** The last answer for the current key; null before it. A quiet reload keeps it in place. */
  value: Readonly<ShallowRef<Value | null>>
  failure: Readonly<ShallowRef<unknown>>
  isLoading: Readonly<Ref<boolean>>
  /** Asks again; quiet means that a failure leaves the shown value alone. */
  reload: (options?: { quiet?: boolean }) => Promise<void>
}

/** Loads whatever `key` names and loads anew when it changes; a slow answer never overwrites a newer one. */
export function useLoad<Key, Value>(
  key: () => Key | null,
  load: (key: Key, signal: AbortSignal) => Promise<Value>,
): Load<Value> {
  const value = shallowRef<Value | null>(null)
  const failure = shallowRef<unknown>(null)
  const isLoading = ref(false)
  let running: AbortController | null = null

  async function run(wanted: Key, quiet: boolean): Promise<void> {
    running?.abort()
    const mine = (running = new AbortController())
    isLoading.value = true
    try {
      const answer = await load(wanted, mine.signal)
      if (mine !== running) return
      value.value = answer
      failure.value = null
    } catch (caught) {
      if (mine !== running || isAbort(caught)) return
      if (!quiet || value.value === null) failure.value = caught
    } finally {
      if (mine === running) isLoading.value = false
    }
  }

  function start(wanted: Key | null): void {
    value.value = null
    failure.value = null
    if (wanted !== null) void run(wanted, false)
    else stop()
  }

  function stop(): void {
    running?.abort()
    running = null
    isLoading.value = false
  }

  watch(key, start, { immediate: true })
  onScopeDispose(stop)

  return {
    value,
    failure,
    isLoading,
    reload: async ({ quiet = false } = {}) => {
      const wanted = key()
      if (wanted === null) return
      if (!quiet) failure.value = null
      await run(wanted, quiet)
    },
  }
}
