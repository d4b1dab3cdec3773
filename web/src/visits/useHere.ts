import { ref, shallowRef, type Ref, type ShallowRef } from 'vue'

import type { Here } from './visitApi'

const WAIT_MS = 10_000
const OLDEST_MS = 30_000

/** Where the phone is, asked only when somebody wants it; `isRefused` when there is no answer. */
export function useHere(): {
  here: Readonly<ShallowRef<Here | null>>
  isAsking: Readonly<Ref<boolean>>
  isRefused: Readonly<Ref<boolean>>
  ask: () => Promise<Here | null>
  forget: () => void
} {
  const here = shallowRef<Here | null>(null)
  const isAsking = ref(false)
  const isRefused = ref(false)

  async function ask(): Promise<Here | null> {
    isAsking.value = true
    isRefused.value = false
    here.value = await located()
    isRefused.value = here.value === null
    isAsking.value = false
    return here.value
  }

  function forget(): void {
    here.value = null
    isRefused.value = false
  }

  return { here, isAsking, isRefused, ask, forget }
}

// Browsers give no position on plain http: then there is none, as if it were refused.
function located(): Promise<Here | null> {
  if (!('geolocation' in navigator)) return Promise.resolve(null)
  return new Promise((resolve) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) =>
        resolve({ lon: coords.longitude, lat: coords.latitude, accuracy_m: Math.min(coords.accuracy, 100_000) }),
      () => resolve(null),
      { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: OLDEST_MS },
    )
  })
}
