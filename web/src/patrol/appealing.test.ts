import { describe, expect, it } from 'vitest'

import { bodyOf, problemsOf } from './appealing'

const form = { grid: 'g', day: '2026-11-18', from: '09:00', to: '09:40', note: ' 手机没电 ', photos: ['ab'] }

describe('asking that a patrol count', () => {
  it('says where and when one was walked without a record, by the clock of China', () => {
    expect(bodyOf(form, null)).toEqual({
      grid_code: 'g',
      started_at: '2026-11-18T09:00:00+08:00',
      finished_at: '2026-11-18T09:40:00+08:00',
      note: '手机没电',
      photos: ['ab'],
    })
    expect(bodyOf(form, 'p')).toEqual({ patrol_id: 'p', note: '手机没电', photos: ['ab'] })
  })

  it('names what is missing', () => {
    expect(problemsOf(form, true)).toEqual({})
    expect(problemsOf({ ...form, note: ' ', to: '' }, true)).toEqual({
      from: 'my.appeal.needTimes',
      note: 'my.appeal.needNote',
    })
    expect(problemsOf({ ...form, to: '08:00' }, true)).toEqual({ to: 'my.appeal.endFirst' })
    expect(problemsOf({ ...form, to: '', grid: '' }, false)).toEqual({})
  })
})
