import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { ApiProblem, Unreachable } from './problem'
import { dropToken, freshToken, keepToken, renewToken } from './tokens'

const keys: string[] = []
let answer: () => Promise<Response>

function given(status: number, body: unknown): () => Promise<Response> {
  return () => Promise.resolve(new Response(JSON.stringify(body), { status }))
}
const token = (text: string): (() => Promise<Response>) => given(200, { access_token: text, expires_in: 600 })
const lost = (): Promise<Response> => Promise.reject(new TypeError('Failed to fetch'))

beforeEach(() => {
  const kept = new Map<string, string>()
  vi.stubGlobal('navigator', {})
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => kept.set(key, text),
    removeItem: (key: string) => kept.delete(key),
  })
  vi.stubGlobal('fetch', (_url: string, init: { headers: Record<string, string> }) => {
    keys.push(init.headers['Idempotency-Key'] ?? '')
    return answer()
  })
  keys.length = 0
  dropToken()
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

describe('renewing the access token', () => {
  it('happens once however many requests wait for it', async () => {
    answer = token('first')
    expect(await Promise.all([freshToken(), freshToken(), renewToken()])).toEqual(['first', 'first', 'first'])
    expect(keys).toHaveLength(1)
    expect(keys[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('waits until a fifth of the life is left', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    answer = token('next')
    keepToken({ access_token: 'now', expires_in: 100 })
    vi.setSystemTime(Date.now() + 79_000)
    expect(await freshToken()).toBe('now')
    vi.setSystemTime(Date.now() + 2_000)
    expect(await freshToken()).toBe('next')
  })

  it('repeats with the same key when the reply was lost or the server failed, with a new one after an answer', async () => {
    answer = lost
    await expect(renewToken()).rejects.toBeInstanceOf(Unreachable)
    answer = given(503, { code: 'unavailable', title: 'down' })
    await expect(renewToken()).rejects.toBeInstanceOf(ApiProblem)
    answer = token('a')
    await renewToken()
    await renewToken()
    expect(new Set(keys.slice(0, 3)).size).toBe(1)
    expect(keys[3]).not.toBe(keys[2])
  })

  it('gives up the key when the server refuses', async () => {
    answer = given(401, { code: 'signed-out', title: 'ended' })
    await expect(renewToken()).rejects.toMatchObject({ status: 401, code: 'signed-out' })
    answer = token('b')
    await renewToken()
    expect(keys[1]).not.toBe(keys[0])
  })
})
