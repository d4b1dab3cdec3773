import { readonly, ref } from 'vue'

import { ApiProblem, problemFrom } from './api/problem'
import { send, whenSignedOut } from './api/client'
import { fetchMe } from './api/endpoints'
import { dropToken, freshToken, keepToken, renewToken, type TokenReply } from './api/tokens'
import type { Me } from './api/types'
import { readStored, store } from './storage'

/** Who is signed in. One state for the whole page; other tabs are told when it ends. */

// A hint without a secret: saves visitors who never signed in a refused request.
const SIGNED_IN_HINT = 'xunge.signed-in'
const CHANNEL = 'xunge.session'

const current = ref<Me | null>(null)
const endedByServer = ref(false)
const channel = 'BroadcastChannel' in window ? new BroadcastChannel(CHANNEL) : null
let restoring: Promise<void> | null = null

export const me = readonly(current) as Readonly<typeof current>
/** True after the server refused to renew; the login page says so. */
export const sessionEnded = readonly(endedByServer)

export async function signIn(username: string, password: string): Promise<Me> {
  const form = new URLSearchParams({ grant_type: 'password', client_id: 'web', username, password })
  const response = await send('/v1/auth/token', { method: 'POST', body: form })
  if (!response.ok) throw await problemFrom(response)
  keepToken((await response.json()) as TokenReply)
  current.value = await fetchMe()
  endedByServer.value = false
  store(SIGNED_IN_HINT, '1')
  return current.value
}

/** Picks the session up again from the cookie after a page load. Fails only when the server cannot be reached. */
export function restoreSession(): Promise<void> {
  restoring ??= restore().catch((failure: unknown) => {
    restoring = null
    throw failure
  })
  return restoring
}

async function restore(): Promise<void> {
  if (current.value || !readStored(SIGNED_IN_HINT)) return
  try {
    await renewToken()
    current.value = await fetchMe()
  } catch (failure) {
    if (!(failure instanceof ApiProblem) || failure.status >= 500) throw failure
    forget()
  }
}

export async function signOut(): Promise<void> {
  // The cookie ends with the answer; without an answer this device still forgets, and the token expires by itself.
  const token = await freshToken().catch(() => null)
  const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {}
  await send('/v1/auth/logout', { method: 'POST', headers }).catch(() => null)
  forget()
  channel?.postMessage('signed-out')
}

function forget(): void {
  dropToken()
  current.value = null
  store(SIGNED_IN_HINT, null)
}

/** Calls `leave` whenever the session ends without this tab asking for it. */
export function whenSessionEnds(leave: () => void): void {
  whenSignedOut(() => {
    endedByServer.value = current.value !== null
    forget()
    leave()
  })
  channel?.addEventListener('message', () => {
    forget()
    leave()
  })
}
