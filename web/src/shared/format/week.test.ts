import { describe, expect, it } from 'vitest'

import { currentWeek, daysLeft, isWeek, mondayOf, shanghaiDay, shiftWeek, weekOfDay, weeksBackFrom } from './week'

const day = (text: string): Date => new Date(`${text}T00:00:00Z`)

describe('ISO weeks', () => {
  it.each([
    ['2026-11-22', '2026-W47'],
    ['2026-11-23', '2026-W48'],
    ['2027-01-01', '2026-W53'],
    ['2024-12-30', '2025-W01'],
    ['2021-01-03', '2020-W53'],
  ])('%s lies in %s', (date, week) => {
    expect(weekOfDay(day(date))).toBe(week)
  })

  it('begins on Monday 00:00 in Shanghai, whatever the device thinks', () => {
    expect(currentWeek(new Date('2026-11-22T15:59:59Z'))).toBe('2026-W47')
    expect(currentWeek(new Date('2026-11-22T16:00:00Z'))).toBe('2026-W48')
  })

  it('accepts only weeks that exist', () => {
    expect(isWeek('2026-W53')).toBe(true)
    expect(isWeek('2025-W53')).toBe(false)
    expect(isWeek('2026-W00')).toBe(false)
    expect(isWeek('2026-47')).toBe(false)
    expect(isWeek(['2026-W47'])).toBe(false)
  })

  it('steps across years and back', () => {
    expect(shiftWeek('2026-W53', 1)).toBe('2027-W01')
    expect(shiftWeek('2027-W01', -1)).toBe('2026-W53')
    expect(weeksBackFrom('2027-W02', 3)).toEqual(['2027-W02', '2027-W01', '2026-W53'])
    expect(mondayOf('2026-W47')).toEqual(day('2026-11-16'))
  })

  it('counts the days that are left, today included', () => {
    expect(daysLeft('2026-W47', new Date('2026-11-16T01:00:00Z'))).toBe(7)
    expect(daysLeft('2026-W47', new Date('2026-11-22T15:00:00Z'))).toBe(1)
    expect(daysLeft('2026-W47', new Date('2026-11-22T16:00:00Z'))).toBe(0)
    expect(daysLeft('2026-W48', new Date('2026-11-16T01:00:00Z'))).toBe(7)
  })

  it('knows the day in Shanghai', () => {
    expect(shanghaiDay(new Date('2026-11-21T16:30:00Z'))).toEqual(day('2026-11-22'))
  })
})
