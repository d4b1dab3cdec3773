import { expect, it, vi } from 'vitest'

import { emptyFinding, findingOf, lacksOf } from './finding'

vi.mock('@/shared/session', async () => ({ me: (await import('vue')).ref(null) }))
const { refusalOf } = await import('./photos')

const about = { patrol_id: 'p', checklist: 'safety', version: 1, item: 'water_edges' }
const at = new Date('2026-11-18T01:00:00Z')

it('sends with a finding only what its result asks for', () => {
  const draft = { result: 'handled', aspect: 'road', note: ' 已扶正 ', before: ['a'], after: ['b'] } as const
  const full = { ...draft, before: [...draft.before], after: [...draft.after] }
  expect(findingOf(about, full, at)).toEqual({
    ...about,
    aspect: 'road',
    result: 'handled',
    note: '已扶正',
    at: '2026-11-18T01:00:00.000Z',
    before_photos: ['a'],
    after_photos: ['b'],
  })
  expect(findingOf(about, { ...full, result: 'report' }, at).after_photos).toEqual([])
  const fine = findingOf(about, { ...full, result: 'ok' }, at)
  expect(fine).toMatchObject({ before_photos: [], after_photos: [] })
  expect(fine).not.toHaveProperty('aspect')
  expect(lacksOf(emptyFinding())).toBe('my.checklist.needResult')
  expect(lacksOf(full)).toBeNull()
})

it('takes photos that the server reads, of a size that it takes', () => {
  expect(refusalOf({ type: 'image/jpeg', size: 3_000_000 })).toBeNull()
  expect(refusalOf({ type: 'image/heic', size: 3 })).toBe('my.photos.wrongKind')
  expect(refusalOf({ type: 'image/png', size: 17 * 1024 * 1024 })).toBe('my.photos.tooLarge')
  expect(refusalOf({ type: 'image/png', size: 0 })).toBe('my.photos.empty')
})
