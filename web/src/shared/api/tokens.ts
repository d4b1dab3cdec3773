import { ApiProblem, Unreachable, isRecord, problemFrom } from './problem'
import { readStored, store } from '../storage'
import { newUuid } from '../uuid'

/**
 * The access token lives in this module's memory only; the refresh token is an HttpOnly cookie that no script sees.
 * All callers share one renewal in flight, in this tab by a promise and between tabs by a lock.
 */

interface AccessToken {
  text: string
  renewAt: number
}

export interface TokenReply {
  access_token: string
  expires_in: number
}

const LOCK = 'xunge.refresh'
// The key of a renewal without an answer yet. It belongs to the cookie, which all tabs share, so it is kept where all
// tabs can find it: repeated with this key, a renewal whose reply was lost is answered again instead of refused.
const PENDING_KEY = 'xunge.refresh.pending'
// Renew when a fifth of the life is left, so that map tiles in flight never meet an expired token.
const RENEW_AFTER_SHARE = 0.8

let access: AccessToken | null = null
let renewal: Promise<string> | null = null

export function keepToken(reply: TokenReply): string {
  access = { text: reply.access_token, renewAt: Date.now() + reply.expires_in * 1000 * RENEW_AFTER_SHARE }
  return access.text
}

export function dropToken(): void {
  access = null
  store(PENDING_KEY, null)
}

/** A token that is good for the next requests; renews it first when it is near its end. */
export function freshToken(): Promise<string> {
  return access && Date.now() < access.renewAt ? Promise.resolve(access.text) : renewToken()
}

export function renewToken(): Promise<string> {
  renewal ??= exclusively(askForToken).finally(() => {
    renewal = null
  })
  return renewal
}

async function askForToken(): Promise<string> {
  const key = readStored(PENDING_KEY) ?? newUuid()
  store(PENDING_KEY, key)
  const response = await fetch('/v1/auth/refresh', {
    method: 'POST',
    headers: { 'Idempotency-Key': key, 'Content-Type': 'application/json' },
    body: '{}',
  }).catch((cause: unknown) => {
    throw new Unreachable(cause)
  })
  if (response.ok) return keepAnswered(response)
  const problem = await problemFrom(response)
  // A failing server may still have rotated the cookie: only a definite answer closes the attempt.
  if (problem.status < 500) store(PENDING_KEY, null)
  throw problem
}

async function keepAnswered(response: Response): Promise<string> {
  const body: unknown = await response.json().catch((cause: unknown) => {
    throw new Unreachable(cause)
  })
  if (!isRecord(body) || typeof body.access_token !== 'string' || typeof body.expires_in !== 'number') {
    throw new ApiProblem(502, { code: 'bad-answer', title: 'The server sent no token' }, null)
  }
  store(PENDING_KEY, null)
  return keepToken({ access_token: body.access_token, expires_in: body.expires_in })
}

/** Runs alone among all tabs; where the browser has no locks (plain http in a local network) just runs. */
function exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
  const locks = navigator.locks as LockManager | undefined
  return locks ? (locks.request(LOCK, work) as Promise<Result>) : work()
}
