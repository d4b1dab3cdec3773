import { describe, expect, it } from 'vitest'

import { byPhase, endOf, firstDayBack, lastDay, phaseOf } from './absences'
import type { Absence } from './types'

const TODAY = '2026-11-22'
const away = (valid_from: string, valid_to: string | null, cancelled_on: string | null = null): Absence => ({
  id: `${valid_from} ${valid_to}`,
  person: { id: 'a', name: '甲' },
  substitute: { id: 'b', name: '乙' },
  valid_from,
  valid_to,
  cancelled_on,
  reason: 'leave',
  note: '',
})

describe('absences', () => {
  it.each([
    ['2026-11-16', '2026-11-30', null, 'running'],
    ['2026-11-22', null, null, 'running'],
    ['2026-11-23', '2026-11-30', null, 'coming'],
    ['2026-11-09', '2026-11-22', null, 'past'],
    ['2026-11-16', '2026-11-30', '2026-11-20', 'past'],
    ['2026-11-25', '2026-11-30', '2026-11-25', 'past'],
  ] as const)('from %s to %s, cancelled %s: %s', (from, to, cancelled, phase) => {
    expect(phaseOf(away(from, to, cancelled), TODAY)).toBe(phase)
  })

  it('end with whichever day comes first', () => {
    expect(endOf(away('2026-11-16', '2026-11-30', '2026-11-20'))).toBe('2026-11-20')
    expect(endOf(away('2026-11-16', null))).toBeNull()
  })

  it('show the last day away and send the first day back', () => {
    expect(lastDay('2026-12-01')).toBe('2026-11-30')
    expect(firstDayBack('2026-12-31')).toBe('2027-01-01')
  })

  it('are listed by phase, the next to come first', () => {
    const groups = byPhase([away('2026-12-05', null), away('2026-12-01', null), away('2026-11-01', null)], TODAY)
    expect(groups.map(({ phase, absences }) => [phase, absences.map((one) => one.valid_from)])).toEqual([
      ['running', ['2026-11-01']],
      ['coming', ['2026-12-01', '2026-12-05']],
      ['past', []],
    ])
  })
})
