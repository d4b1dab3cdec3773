import { reactive, watch } from 'vue'

import { me } from '@/shared/session'
import { readStored, store } from '@/shared/storage'

/** What somebody has begun to type: it outlives the page and the browser, but not long: it may name people. */

const KEPT_MS = 3 * 24 * 3600 * 1000

interface Kept {
  at: number
  value: unknown
}

const placeOf = (person: string): string => `xunge.drafts.${person}`

function keptOf(person: string): Record<string, Kept> {
  try {
    const found = JSON.parse(readStored(placeOf(person)) ?? '{}') as Record<string, Kept>
    return Object.fromEntries(Object.entries(found).filter(([, { at }]) => Date.now() - at < KEPT_MS))
  } catch {
    return {}
  }
}

function keep(key: string, value: unknown): void {
  const person = me.value?.person_id
  if (!person) return
  const { [key]: _, ...others } = keptOf(person)
  const all = value === null ? others : { ...others, [key]: { at: Date.now(), value } }
  store(placeOf(person), Object.keys(all).length ? JSON.stringify(all) : null)
}

/** The draft of what `key` names, as it was left; `clear` begins anew. Nothing is kept of an untouched one. */
export function useDraft<Draft extends object>(key: () => string, fresh: () => Draft): { draft: Draft; clear: () => void } {
  const draft = reactive(fresh()) as Draft

  function clear(): void {
    Object.assign(draft, fresh())
  }
  watch(
    key,
    (name) => {
      const kept = me.value ? keptOf(me.value.person_id)[name]?.value : null
      Object.assign(draft, fresh(), kept)
    },
    { immediate: true, flush: 'sync' },
  )
  watch(draft, () => {
    const text = JSON.stringify(draft)
    keep(key(), text === JSON.stringify(fresh()) ? null : JSON.parse(text))
  })
  return { draft, clear }
}
