import { describe, expect, it } from 'vitest'

import { dutiesIn, newestHere } from './rules'
import { daysUntil, differs, doorText, dutyTone, shareOf, troubled, weekTone, weeksOf } from './standing'
import type { DutyItem, DutyRule, Line } from './types'

const item = (code: string, status: DutyItem['status'], more: Partial<DutyItem> = {}): DutyItem =>
  ({
    duty: { code, zh: '', en: '', subject: 'pair', clause: '' },
    period: { iso: '2026-W47', kind: 'week', starts_on: '', ends_on: '' },
    status,
    required: 2,
    exempted: { required: 2, status, holiday_days: 0, not_assigned_days: 0, explained: { zh: '', en: '' } },
    ...more,
  }) as DutyItem
const week = { pairs_due: 4, pairs_met: 4, patrols_counted: 8, patrols_needed: 8 }

describe('how a duty stands', () => {
  it('is not called failed before it is', () => {
    expect(dutyTone('on_track')).toBe('unassigned')
    expect(dutyTone('at_risk')).toBe('partial')
    expect(dutyTone('will_miss')).toBe('none')
  })

  it('has no share where nothing is asked for', () => {
    expect(shareOf(0, 0)).toBeNull()
    expect(shareOf(3, 2)).toBe(1)
  })

  it('is listed, on request only what is in trouble', () => {
    const items = [item('patrols', 'met'), item('patrols', 'will_miss'), item('patrols', 'on_track')]
    expect(troubled(items, false)).toHaveLength(3)
    expect(troubled(items, true).map(({ status }) => status)).toEqual(['will_miss'])
  })

  it('shows the exempted figure only where it differs', () => {
    expect(differs(item('patrols', 'met'))).toBe(false)
    expect(differs(item('patrols', 'met', { required: 1 }))).toBe(true)
  })
})

describe('the weeks of a line', () => {
  it('stand under the weeks of the period', () => {
    const line = { weeks: [{ iso: '2026-W46', ...week }] } as Line
    expect(weeksOf(line, [{ iso: '2026-W45' }, { iso: '2026-W46' }]).map((one) => one?.iso)).toEqual([
      undefined,
      '2026-W46',
    ])
  })

  it('are told apart', () => {
    expect(weekTone(undefined)).toBe('unassigned')
    expect(weekTone({ iso: '', ...week })).toBe('met')
    expect(weekTone({ iso: '', ...week, pairs_met: 1 })).toBe('partial')
    expect(weekTone({ iso: '', ...week, pairs_met: 0, patrols_counted: 0 })).toBe('none')
  })
})

it('names the door of a household', () => {
  const door = { id: '', compound: '亚东花园', building: '3幢', address: null, entrance: '2', floor: '4', room: '402' }
  expect(doorText(door)).toBe('亚东花园 3幢 2-4-402')
  expect(doorText({ ...door, address: '仙林大道 12 号', entrance: null, floor: null })).toBe('仙林大道 12 号 402')
  expect(doorText(null)).toBe('')
})

it('counts days to a day', () => {
  expect(daysUntil('2026-11-22', '2026-11-20')).toBe(2)
  expect(daysUntil('2026-11-19', '2026-11-20')).toBe(-1)
})

describe('rules of duties', () => {
  const rule = (id: number, code: string, more: Partial<DutyRule> = {}): DutyRule =>
    ({ id, code, street_code: null, grid_code: null, kind: '', ...more }) as DutyRule
  const street = { street_code: '320113007' }
  const rules = [rule(1, 'visits'), rule(4, 'visits', street), rule(3, 'visits', street), rule(9, 'visits', { ...street, kind: 'x' }), rule(2, 'meetings')]

  it('name each duty once', () => {
    expect(dutiesIn(rules).map(({ id }) => id)).toEqual([1, 2])
  })

  it('are changed against the newest of the street itself', () => {
    expect(newestHere(rules, 'visits', '320113007')?.id).toBe(4)
    expect(newestHere(rules, 'meetings', '320113007')).toBeNull()
  })
})
