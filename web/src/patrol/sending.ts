import { computed, ref, shallowReactive, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import { ApiProblem } from '@/shared/api/problem'
import { me } from '@/shared/session'
import { newUuid } from '@/shared/uuid'

/**
 * Sends something once, however often the network fails: the id is made here, and as long as nobody knows whether the
 * server has it, exactly the same is sent again under the same id. The server answers that as the first time.
 */

export interface Attempt<Body> {
  id: string
  body: Body
}

export interface Sending<Body, Result> {
  /** What was sent without an answer; it must not be changed any more. */
  unanswered: ComputedRef<Attempt<Body> | null>
  isSending: Readonly<Ref<boolean>>
  failure: Readonly<ShallowRef<unknown>>
  /** The answer, or null after a failure. */
  send: (body: Body) => Promise<Result | null>
  forgive: () => void
}

// Kept while the application is open, so that leaving a page and coming back loses nothing.
const waiting = shallowReactive(new Map<string, Attempt<unknown>>())
watch(me, () => waiting.clear())

/** Whether a failure leaves open if the server has done it. */
export function isUnsure(failure: unknown): boolean {
  return !(failure instanceof ApiProblem) || failure.status >= 500 || failure.status === 429 || failure.status === 401
}

/** `key` names what is being sent, such as a visit to a certain household. */
export function useSending<Body, Result>(
  key: () => string,
  put: (id: string, body: Body) => Promise<Result>,
): Sending<Body, Result> {
  const isSending = ref(false)
  const failure = shallowRef<unknown>(null)
  const unanswered = computed(() => (waiting.get(key()) ?? null) as Attempt<Body> | null)

  async function send(body: Body): Promise<Result | null> {
    if (isSending.value) return null
    const name = key()
    const attempt = unanswered.value ?? { id: newUuid(), body }
    isSending.value = true
    failure.value = null
    try {
      const result = await put(attempt.id, attempt.body)
      waiting.delete(name)
      return result
    } catch (caught) {
      failure.value = caught
      if (isUnsure(caught)) waiting.set(name, attempt)
      else waiting.delete(name)
      return null
    } finally {
      isSending.value = false
    }
  }

  return {
    unanswered,
    isSending,
    failure,
    send,
    forgive: () => {
      failure.value = null
    },
  }
}
