import { describe, expect, it } from 'vitest'

import { dutyLineOf, nearDay } from './dutyLines'
import type { DueItem, DutyItem } from './myApi'

const item = (code: string, id: string, excused = 2): DutyItem =>
  ({
    grid: { code, name: code, level: 3 },
    person: { id, name: id },
    required: 2,
    credited: 1,
    status: 'at_risk',
    exempted: { required: excused, status: 'on_track', explained: { zh: '扣除', en: 'less' } },
  }) as DutyItem
const due = (code: string, id: string): DueItem =>
  ({ grid: { code, name: code, level: 3 }, person: { id, name: id }, next_by: '2026-11-21' }) as DueItem

describe('what a week still asks for', () => {
  it('is that of the grid and the person', () => {
    const line = dutyLineOf('a', 'p', [item('b', 'p'), item('a', 'q'), item('a', 'p')], [due('a', 'q'), due('a', 'p')])
    expect(line).toEqual({ left: 1, by: '2026-11-21', status: 'at_risk', excused: null })
    expect(dutyLineOf('c', 'p', [item('a', 'p')], [])).toBeNull()
  })

  it('shows what would be excused only where it differs', () => {
    expect(dutyLineOf('a', 'p', [item('a', 'p', 1)], [])?.excused).toEqual({ zh: '扣除', en: 'less' })
  })

  it('calls near days by their names', () => {
    expect(nearDay('2026-11-30', '2026-11-30')).toBe('today')
    expect(nearDay('2026-12-01', '2026-11-30')).toBe('tomorrow')
    expect(nearDay('2026-12-02', '2026-11-30')).toBeNull()
  })
})
