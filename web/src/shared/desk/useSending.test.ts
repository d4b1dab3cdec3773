import { describe, expect, it } from 'vitest'

import { useSending } from './useSending'

describe('a form on its way', () => {
  it('lets nothing more through until it is there', async () => {
    const { isBusy, send } = useSending([])
    let arrive = (): void => undefined
    const first = send(() => new Promise<void>((resolve) => (arrive = resolve)))
    expect(await send(() => Promise.reject(new Error('sent twice')))).toBe(false)
    expect(isBusy.value).toBe(true)
    arrive()
    expect(await first).toBe(true)
    expect(isBusy.value).toBe(false)
  })

  it('keeps its failure until that is put away', async () => {
    const { failure, send, forgive } = useSending([])
    const refused = new Error('refused')
    expect(await send(() => Promise.reject(refused))).toBe(false)
    expect(failure.value).toBe(refused)
    forgive()
    expect(failure.value).toBe(null)
  })
})
