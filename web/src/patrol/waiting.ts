import { shallowReactive, shallowRef, triggerRef, watch } from 'vue'

import { me } from '@/shared/session'
import { readStored, store } from '@/shared/storage'

/**
 * What was written and is not at the server yet. It lies in the browser's storage of whoever wrote it, so that neither
 * a page left, a reload nor an ended session loses it, and is gone from there as soon as the server has it.
 */

export interface Waiting {
  /** `kind subject`, such as `visit` and a household: one thing waits for each. */
  key: string
  /** Made once: the server answers a repeat as the first time. */
  id: string
  body: unknown
  /** For people: what it is about. */
  about: string
  /** Names of photos that go with it. */
  photos: string[]
  /** Why the server does not take it as it is; it waits for whoever wrote it. */
  refused: string | null
}

const placeOf = (person: string): string => `xunge.unsent.${person}`

const items = shallowRef<readonly Waiting[]>([])
/** Keys of what is on its way at this moment: nothing goes twice at once. */
export const underway = shallowReactive(new Set<string>())

export const waiting = items as Readonly<typeof items>
export const isWaitingFor = (key: string): Waiting | null => items.value.find((one) => one.key === key) ?? null

/** Changes what waits for a person; other tabs may have changed it too, so what is stored goes first. */
export function changeWaiting(person: string, change: (before: readonly Waiting[]) => Waiting[]): void {
  const isOwn = person === me.value?.person_id
  const after = change(stored(person) ?? (isOwn ? items.value : []))
  store(placeOf(person), after.length ? JSON.stringify(after) : null)
  // Where the browser stores nothing, it is kept while the page is open.
  if (isOwn) items.value = after
}

/** Puts something in its place, or with null takes it away. */
export function setWaiting(person: string, key: string, item: Waiting | null): void {
  changeWaiting(person, (before) => [...before.filter((one) => one.key !== key), ...(item ? [item] : [])])
}

function stored(person: string): Waiting[] | null {
  const text = readStored(placeOf(person))
  if (text === null) return null
  try {
    const found: unknown = JSON.parse(text)
    return Array.isArray(found) ? (found as Waiting[]) : null
  } catch {
    return null
  }
}

function reread(): void {
  items.value = me.value ? (stored(me.value.person_id) ?? []) : []
  triggerRef(items)
}
watch(() => me.value?.person_id, reread, { immediate: true })
if ('window' in globalThis) {
  window.addEventListener('storage', ({ key }) => {
    if (me.value && key === placeOf(me.value.person_id)) reread()
  })
}
