import { describe, expect, it, vi } from 'vitest'

import { ApiProblem, Unreachable } from '@/shared/api/problem'

vi.mock('@/shared/session', async () => ({ me: (await import('vue')).ref({ person_id: 'p' }) }))
const { useSending } = await import('./sending')

const refused = new ApiProblem(422, { code: 'invalid', title: 'no' }, null)

describe('sending something once', () => {
  it('repeats the same under the same id until an answer comes, whatever was typed meanwhile', async () => {
    const sent: [string, string][] = []
    const answers: unknown[] = [new Unreachable(null), new ApiProblem(503, {}, null)]
    const sending = useSending<string, string>(
      () => 'a',
      async (id, body) => {
        sent.push([id, body])
        const failure = answers.shift()
        if (failure) throw failure
        return 'stored'
      },
    )
    expect(await sending.send('first')).toBeNull()
    expect(sending.unanswered.value?.body).toBe('first')
    expect(await sending.send('changed')).toBeNull()
    expect(await sending.send('changed')).toBe('stored')
    expect(new Set(sent.map(([id]) => id)).size).toBe(1)
    expect(sent.map(([, body]) => body)).toEqual(['first', 'first', 'first'])
    expect(sending.unanswered.value).toBeNull()
  })

  it('lets what the server refused be changed', async () => {
    const sent: string[] = []
    const sending = useSending<string, string>(
      () => 'b',
      (_, body) => {
        sent.push(body)
        return sent.length === 1 ? Promise.reject(refused) : Promise.resolve('stored')
      },
    )
    expect(await sending.send('wrong')).toBeNull()
    expect(sending.failure.value).toBe(refused)
    expect(sending.unanswered.value).toBeNull()
    expect(await sending.send('right')).toBe('stored')
    expect(sent).toEqual(['wrong', 'right'])
  })

  it('finds what waits again after the page was left', async () => {
    const lost = useSending<string, string>(
      () => 'c',
      () => Promise.reject(new Unreachable(null)),
    )
    await lost.send('kept')
    const again = useSending<string, string>(
      () => 'c',
      (id) => Promise.resolve(id),
    )
    expect(again.unanswered.value?.body).toBe('kept')
    const { id } = again.unanswered.value ?? {}
    expect(await again.send('else')).toBe(id)
  })
})
