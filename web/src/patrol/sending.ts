import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import { ApiProblem } from '@/shared/api/problem'
import { me } from '@/shared/session'
import { newUuid } from '@/shared/uuid'

import { isWaitingFor, setWaiting, underway, type Waiting } from './waiting'

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
  /** What the server refused while nobody looked; to be changed and sent anew. */
  refused: ComputedRef<Attempt<Body> | null>
  isSending: Readonly<Ref<boolean>>
  failure: Readonly<ShallowRef<unknown>>
  /** The answer, or null after a failure. */
  send: (body: Body, photos?: string[]) => Promise<Result | null>
  forgive: () => void
}

/** Whether a failure leaves open if the server has done it. */
export function isUnsure(failure: unknown): boolean {
  return !(failure instanceof ApiProblem) || failure.status >= 500 || failure.status === 429 || failure.status === 401
}

/** `key` names what is being sent, such as a visit to a certain household; `about` tells people what that is. */
export function useSending<Body, Result>(
  key: () => string,
  put: (id: string, body: Body) => Promise<Result>,
  about: () => string = () => '',
): Sending<Body, Result> {
  const isSending = ref(false)
  const failure = shallowRef<unknown>(null)
  const kept = computed(() => isWaitingFor(key()) as (Waiting & Attempt<Body>) | null)
  const unanswered = computed(() => (kept.value?.refused === null ? kept.value : null))

  async function send(body: Body, photos: string[] = []): Promise<Result | null> {
    const name = key()
    if (isSending.value || underway.has(name)) return null
    const person = me.value?.person_id ?? ''
    const fresh: Waiting = { key: name, id: newUuid(), body, about: about(), photos, refused: null }
    const attempt = (unanswered.value ?? fresh) as Waiting & Attempt<Body>
    isSending.value = true
    underway.add(name)
    failure.value = null
    // Kept before it is sent: a browser that is closed now has it afterwards.
    setWaiting(person, name, attempt)
    try {
      const result = await put(attempt.id, attempt.body)
      setWaiting(person, name, null)
      return result
    } catch (caught) {
      failure.value = caught
      if (!isUnsure(caught)) setWaiting(person, name, null)
      return null
    } finally {
      underway.delete(name)
      isSending.value = false
    }
  }

  return {
    unanswered,
    refused: computed(() => (kept.value?.refused ? kept.value : null)),
    isSending,
    failure,
    send,
    forgive: () => {
      failure.value = null
    },
  }
}
