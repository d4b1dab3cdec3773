import { computed, onScopeDispose, ref, shallowRef, type ComputedRef } from 'vue'

import type { FullValues } from './types'

/** How long full values stay on the screen. */
export const SHOWN_S = 60

interface Shown {
  residentId: string
  values: FullValues
  until: number
}

export interface Reveal {
  /** Full values of a resident while they are shown. */
  valuesOf: (residentId: string) => FullValues | null
  show: (residentId: string, values: FullValues) => void
  hide: () => void
  secondsLeft: ComputedRef<number>
}

export function secondsUntil(until: number, now: number): number {
  return Math.max(0, Math.ceil((until - now) / 1000))
}

/** Full values vanish after a minute, and at once when the page is hidden or left. They are kept nowhere else. */
export function useReveal(): Reveal {
  const shown = shallowRef<Shown | null>(null)
  const now = ref(Date.now())
  let timer: number | undefined

  function hide(): void {
    window.clearInterval(timer)
    shown.value = null
  }
  function tick(): void {
    now.value = Date.now()
    if (shown.value && now.value >= shown.value.until) hide()
  }
  function onHidden(): void {
    if (document.visibilityState === 'hidden') hide()
  }
  document.addEventListener('visibilitychange', onHidden)
  onScopeDispose(() => {
    document.removeEventListener('visibilitychange', onHidden)
    hide()
  })

  return {
    valuesOf: (residentId) => (shown.value?.residentId === residentId ? shown.value.values : null),
    show: (residentId, values) => {
      hide()
      now.value = Date.now()
      shown.value = { residentId, values, until: now.value + SHOWN_S * 1000 }
      timer = window.setInterval(tick, 500)
    },
    hide,
    secondsLeft: computed(() => (shown.value ? secondsUntil(shown.value.until, now.value) : 0)),
  }
}
