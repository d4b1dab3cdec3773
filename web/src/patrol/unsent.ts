import { onBeforeUnmount, onMounted, ref, shallowRef } from 'vue'

import { failureText } from '@/shared/failureText'
import { me } from '@/shared/session'
import { putCorrection, putVisit, type CorrectionBody, type VisitBody } from '@/visits/visitApi'

import { putAppeal, putFinding, type AppealBody, type FindingBody } from './myApi'
import { photosWaiting, sendPhotos } from './photos'
import { isUnsure } from './sending'
import { setWaiting, underway, waiting, type Waiting } from './waiting'

/** Sends what waits on this phone, whenever there is a network, in the order in which it was written. */

type Put = (id: string, body: unknown) => Promise<unknown>

const PUT: Record<string, Put> = {
  visit: (id, body) => putVisit(id, body as VisitBody),
  correction: (id, body) => putCorrection(id, body as CorrectionBody),
  appeal: (id, body) => putAppeal(id, body as AppealBody),
  finding: (id, body) => putFinding(id, body as FindingBody),
}
const AGAIN_MS = 30_000

export const isFlushing = ref(false)
/** Grows whenever something has arrived: pages that show it ask anew. */
export const arrived = shallowRef(0)

export const kindOf = ({ key }: Pick<Waiting, 'key'>): string => key.split(' ', 1)[0] ?? ''

/** False when it has to be tried again later. */
async function sendWaiting(person: string, item: Waiting): Promise<boolean> {
  const put = PUT[kindOf(item)]
  if (!put || underway.has(item.key)) return true
  underway.add(item.key)
  try {
    await put(item.id, item.body)
    setWaiting(person, item.key, null)
    arrived.value += 1
  } catch (failure) {
    if (isUnsure(failure)) return false
    setWaiting(person, item.key, { ...item, refused: failureText(failure) })
  } finally {
    underway.delete(item.key)
  }
  return true
}

let isWantedAgain = false

/** Sends what waits; asked meanwhile, it looks once more when it is through. */
export async function flush(): Promise<void> {
  const person = me.value?.person_id
  isWantedAgain = isFlushing.value
  if (!person || isFlushing.value) return
  isFlushing.value = true
  try {
    for (const item of waiting.value.filter(({ refused }) => refused === null)) {
      if (me.value?.person_id !== person || !(await sendWaiting(person, item))) return
    }
    if ((await sendPhotos()) > 0) arrived.value += 1
  } catch {
    // No network: the next round tries again.
  } finally {
    isFlushing.value = false
  }
  if (isWantedAgain) await flush()
}

/** While a page for the phone is open: at once, when the network comes back, and every now and then. */
export function useFlushing(): void {
  const isWorth = (): boolean => waiting.value.some(({ refused }) => refused === null) || photosWaiting.value > 0
  const soon = (): void => {
    if (isWorth() && document.visibilityState === 'visible') void flush()
  }
  let timer = 0
  onMounted(() => {
    soon()
    timer = window.setInterval(soon, AGAIN_MS)
    window.addEventListener('online', soon)
    document.addEventListener('visibilitychange', soon)
  })
  onBeforeUnmount(() => {
    window.clearInterval(timer)
    window.removeEventListener('online', soon)
    document.removeEventListener('visibilitychange', soon)
  })
}
