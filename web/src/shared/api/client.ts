import { ref } from 'vue'

import { ApiProblem, Unreachable, problemFrom } from './problem'
import { freshToken, renewToken } from './tokens'
import { currentLocale } from '../i18n'

export type Query = Record<string, string | number | boolean | null | undefined>

export interface Call {
  query?: Query
  signal?: AbortSignal
  headers?: Record<string, string>
  /** How long to wait for the answer; long work at the server needs more than a page does. */
  timeoutMs?: number
}

const TIMEOUT_MS = 20_000

/** False after a request got no answer, true again after the next one that did. */
export const serverAnswers = ref(true)

let onSignedOut: () => void = () => {}

/** What to do when the server no longer accepts our refresh cookie. */
export function whenSignedOut(action: () => void): void {
  onSignedOut = action
}

export async function get<Result>(path: string, call: Call = {}): Promise<Result> {
  const response = await authorised(path, call)
  return (await bodyOf(response)) as Result
}

export interface Change extends Call {
  /** Sent as JSON. */
  body?: unknown
}

export interface Written<Result> {
  body: Result
  /** The state that the answer describes, for the If-Match of the next change. */
  etag: string | null
}

/** Changes something at the server; the answer and its entity tag. An answer without a body is null. */
export async function write<Result>(
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  { body, ...call }: Change = {},
): Promise<Written<Result>> {
  const headers: Record<string, string> = { ...call.headers }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  const sent = { method, body: body === undefined ? undefined : JSON.stringify(body) }
  const response = await authorised(path, { ...call, headers }, [], sent)
  const answer = response.status === 204 ? null : await bodyOf(response)
  return { body: answer as Result, etag: response.headers.get('ETag') }
}

export interface Download {
  content: Blob
  /** The file name that the server proposes. */
  name: string | null
}

/** A file, read whole: a link could not carry the bearer token. */
export async function download(path: string, call: Call = {}): Promise<Download> {
  const response = await authorised(path, call)
  const disposition = response.headers.get('Content-Disposition') ?? ''
  // The name in any script (RFC 6266) goes before its ASCII stand-in.
  const coded = /filename\*=UTF-8''([^;]+)/i.exec(disposition)?.[1]
  const plain = /filename="?([^";]+)"?/.exec(disposition)?.[1] ?? null
  const name = coded ? decodeURIComponent(coded) : plain
  const content = await response.blob().catch((cause: unknown) => {
    throw new Unreachable(cause)
  })
  return { content, name }
}

export interface Conditional<Result> {
  etag: string | null
  /** Null when nothing changed since the given etag. */
  body: Result | null
}

/** GET that costs almost nothing while the answer stays the same. */
export async function getIfChanged<Result>(
  path: string,
  etag: string | null,
  call: Call = {},
): Promise<Conditional<Result>> {
  const headers: Record<string, string> = etag ? { ...call.headers, 'If-None-Match': etag } : { ...call.headers }
  const response = await authorised(path, { ...call, headers }, [304])
  if (response.status === 304) return { etag, body: null }
  return { etag: response.headers.get('ETag'), body: (await bodyOf(response)) as Result }
}

/** Walks a keyset list to its end, or to `limit` items. */
export async function getAll<Item>(path: string, limit: number, call: Call = {}): Promise<Item[]> {
  const items: Item[] = []
  let after = call.query?.after ?? null
  do {
    const page: { items: Item[]; next: string | null } = await get(path, { ...call, query: { ...call.query, after } })
    items.push(...page.items)
    after = page.next
  } while (after !== null && items.length < limit)
  return items
}

async function authorised(
  path: string,
  call: Call,
  alsoFine: number[] = [],
  sent: Pick<RequestInit, 'method' | 'body'> = {},
): Promise<Response> {
  const fine = (response: Response): boolean => response.ok || alsoFine.includes(response.status)
  const first = await attempt(path, call, sent, await tokenOrSignOut(freshToken))
  if (fine(first)) return first
  if (first.status !== 401) throw await problemFrom(first)
  const second = await attempt(path, call, sent, await tokenOrSignOut(renewToken))
  if (fine(second)) return second
  throw await problemFrom(second)
}

/** The token, or the end of the session when the server refuses to renew it. */
export async function tokenOrSignOut(obtain: () => Promise<string>): Promise<string> {
  try {
    return await obtain()
  } catch (failure) {
    if (failure instanceof ApiProblem && failure.status === 401) onSignedOut()
    throw failure
  }
}

function attempt(
  path: string,
  call: Call,
  sent: Pick<RequestInit, 'method' | 'body'>,
  token: string,
): Promise<Response> {
  return send(path + queryText(call.query), {
    ...sent,
    headers: { Authorization: `Bearer ${token}`, 'Accept-Language': currentLocale(), ...call.headers },
    signal: withTimeout(call.signal, call.timeoutMs ?? TIMEOUT_MS),
  })
}

/** fetch whose only failures are an aborted caller or `Unreachable`. */
export async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    const response = await fetch(url, init)
    serverAnswers.value = true
    return response
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    serverAnswers.value = false
    throw new Unreachable(cause)
  }
}

async function bodyOf(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch (cause) {
    throw new Unreachable(cause)
  }
}

export function queryText(query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '')
  return pairs.length ? `?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}` : ''
}

/** Aborts with the caller's signal or after the time limit (by hand: `AbortSignal.any` is too new for older phones). */
function withTimeout(signal: AbortSignal | undefined, timeoutMs: number): AbortSignal {
  const controller = new AbortController()
  setTimeout(() => controller.abort(new DOMException('No answer in time', 'TimeoutError')), timeoutMs)
  const abort = (): void => controller.abort(signal?.reason)
  if (signal?.aborted) abort()
  else signal?.addEventListener('abort', abort, { once: true })
  return controller.signal
}

export function isAbort(failure: unknown): boolean {
  return failure instanceof DOMException && failure.name === 'AbortError'
}
