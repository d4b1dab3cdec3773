import { describe, expect, it } from 'vitest'

import { sameWeekday, shiftDay, weekDays } from './days'

describe('days of a diary', () => {
  it('are those of the week from Monday to Sunday', () => {
    expect(weekDays('2026-11-22')).toEqual(weekDays('2026-11-16'))
    expect(weekDays('2026-11-18')[0]).toBe('2026-11-16')
    expect(weekDays('2027-01-01').at(-1)).toBe('2027-01-03')
  })

  it('move by weeks, never into the future', () => {
    expect(shiftDay('2026-12-31', 1)).toBe('2027-01-01')
    expect(sameWeekday('2026-11-20', -1, '2026-11-25')).toBe('2026-11-13')
    expect(sameWeekday('2026-11-20', 1, '2026-11-25')).toBe('2026-11-25')
  })
})
