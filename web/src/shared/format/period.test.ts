import { afterEach, describe, expect, it } from 'vitest'

import { i18n } from '../i18n'
import { currentPeriod, daysOfPeriod, formatPeriod, isPeriod, kindOfPeriod, periodAs, shiftPeriod } from './period'

afterEach(() => {
  i18n.global.locale.value = 'zh-CN'
})

describe('periods', () => {
  it.each(['2026-W47', '2026-11', '2026-Q4', '2026-H2', '2026'])('%s is one', (text) => {
    expect(isPeriod(text)).toBe(true)
  })

  it.each(['2025-W53', '2026-13', '2026-00', '2026-Q5', '2026-H3', '26', '', null])('%s is none', (text) => {
    expect(isPeriod(text)).toBe(false)
  })

  it('run now in Shanghai, whatever the device thinks', () => {
    const lastHour = new Date('2026-12-31T15:30:00Z')
    const newYear = new Date('2026-12-31T16:30:00Z')
    expect((['month', 'quarter', 'half', 'year'] as const).map((kind) => currentPeriod(kind, lastHour))).toEqual([
      '2026-12',
      '2026-Q4',
      '2026-H2',
      '2026',
    ])
    expect(currentPeriod('month', newYear)).toBe('2027-01')
    expect(currentPeriod('week', newYear)).toBe('2026-W53')
  })

  it.each([
    ['2026-W53', 1, '2027-W01'],
    ['2026-12', 1, '2027-01'],
    ['2026-01', -1, '2025-12'],
    ['2026-Q4', 1, '2027-Q1'],
    ['2026-H1', -1, '2025-H2'],
    ['2026', -1, '2025'],
  ])('%s moved by %i is %s', (period, by, moved) => {
    expect(shiftPeriod(period, by)).toBe(moved)
  })

  it('have first and last days', () => {
    expect(daysOfPeriod('2026-W47')).toEqual({ first: '2026-11-16', last: '2026-11-22' })
    expect(daysOfPeriod('2024-02')).toEqual({ first: '2024-02-01', last: '2024-02-29' })
    expect(daysOfPeriod('2026-Q1')).toEqual({ first: '2026-01-01', last: '2026-03-31' })
    expect(daysOfPeriod('2026-H2')).toEqual({ first: '2026-07-01', last: '2026-12-31' })
  })

  it('turn into another kind without leaping ahead', () => {
    const now = new Date('2026-11-18T04:00:00Z')
    expect(periodAs('2026-W10', 'quarter', now)).toBe('2026-Q1')
    expect(periodAs('2026', 'week', now)).toBe('2026-W47')
    expect(periodAs('2025-H1', 'month', now)).toBe('2025-06')
    expect(kindOfPeriod('2025-H1')).toBe('half')
  })

  it('are called as people call them', () => {
    expect(formatPeriod('2026-W47')).toBe('2026 年第 47 周')
    expect(formatPeriod('2026-11')).toBe('2026年11月')
    expect(formatPeriod('2026-Q4')).toBe('2026 年第四季度')
    expect(formatPeriod('2026-H1')).toBe('2026 年上半年')
    i18n.global.locale.value = 'en'
    expect(formatPeriod('2026-11')).toBe('November 2026')
    expect(formatPeriod('2026-H2')).toBe('second half of 2026')
  })
})
