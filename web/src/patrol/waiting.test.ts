import { nextTick, ref } from 'vue'
import { beforeEach, describe, expect, it, vi } from 'vitest'

import { ApiProblem, Unreachable } from '@/shared/api/problem'

import type { Sending } from './sending'

const stored = new Map<string, string>()
vi.stubGlobal('localStorage', {
  getItem: (key: string) => stored.get(key) ?? null,
  setItem: (key: string, text: string) => void stored.set(key, text),
  removeItem: (key: string) => void stored.delete(key),
})
const me = ref<{ person_id: string } | null>({ person_id: 'p1' })
vi.mock('@/shared/session', () => ({ me }))
const put = vi.fn<(id: string, body: unknown) => Promise<unknown>>()
vi.mock('@/visits/visitApi', () => ({ putVisit: put, putCorrection: put }))
const { useSending } = await import('./sending')
const { setWaiting, waiting } = await import('./waiting')
const { flush } = await import('./unsent')
const { useDraft } = await import('./useDraft')

const visit = (household: string): Sending<string, unknown> => useSending<string, unknown>(() => `visit ${household}`, put)
const refused = new ApiProblem(422, { code: 'visit-invalid', title: 'no', detail: '不行' }, null)

describe('what waits on the phone', () => {
  beforeEach(() => {
    put.mockReset()
    setWaiting('p1', 'visit a', null)
    setWaiting('p1', 'visit b', null)
  })

  it('is in storage before it is sent, and gone when it has arrived', async () => {
    put.mockImplementationOnce(async () => {
      expect(stored.get('xunge.unsent.p1')).toContain('"written"')
      return 'stored'
    })
    await visit('a').send('written')
    expect(stored.has('xunge.unsent.p1')).toBe(false)
    expect(waiting.value).toEqual([])
  })

  it('goes out in order under the ids of the first time, and stays as long as nothing answers', async () => {
    put.mockRejectedValue(new Unreachable(null))
    await visit('a').send('one')
    await visit('b').send('two')
    const ids = waiting.value.map(({ id }) => id)
    await flush()
    expect(put.mock.calls.at(-1)).toEqual([ids[0], 'one']) // the second is not tried without a network
    put.mockReset().mockResolvedValue('stored')
    await flush()
    expect(put.mock.calls).toEqual([
      [ids[0], 'one'],
      [ids[1], 'two'],
    ])
    expect(waiting.value).toEqual([])
  })

  it('stays with the reason when the server does not take it, and can be changed then', async () => {
    put.mockRejectedValueOnce(new Unreachable(null))
    const sending = visit('a')
    await sending.send('wrong')
    const [first] = waiting.value
    put.mockRejectedValueOnce(refused)
    await flush()
    expect(waiting.value[0]).toMatchObject({ body: 'wrong', refused: expect.stringContaining('') as string })
    expect(sending.unanswered.value).toBeNull()
    expect(sending.refused.value?.body).toBe('wrong')
    await flush()
    expect(put).toHaveBeenCalledTimes(2) // it waits for people now
    put.mockResolvedValueOnce('stored')
    await sending.send('right')
    expect(put.mock.calls.at(-1)?.[0]).not.toBe(first?.id)
    expect(waiting.value).toEqual([])
  })

  it('belongs to whoever wrote it, through an ended session', async () => {
    put.mockRejectedValueOnce(new ApiProblem(401, {}, null))
    await visit('a').send('mine')
    me.value = { person_id: 'p2' }
    await nextTick()
    expect(waiting.value).toEqual([])
    me.value = { person_id: 'p1' }
    await nextTick()
    expect(waiting.value.map(({ body }) => body)).toEqual(['mine'])
  })
})

it('keeps a draft over a closed page, for three days', async () => {
  const fresh = (): { note: string } => ({ note: '' })
  const { draft, clear } = useDraft(() => 'visit a', fresh)
  draft.note = '门口有台阶'
  await nextTick()
  expect(useDraft(() => 'visit a', fresh).draft.note).toBe('门口有台阶')
  expect(useDraft(() => 'visit b', fresh).draft.note).toBe('')
  vi.useFakeTimers({ now: Date.now() + 4 * 24 * 3600 * 1000 })
  expect(useDraft(() => 'visit a', fresh).draft.note).toBe('')
  vi.useRealTimers()
  clear()
  await nextTick()
  expect(stored.has('xunge.drafts.p1')).toBe(false)
})
