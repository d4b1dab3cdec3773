import { describe, expect, it } from 'vitest'

import type { Assignment, Patrol } from '@/shared/api/types'

import type { ExplainedPair } from '@/shared/patrol/explain'

import { isWaiting, ownGrids } from './myWeek'

const assignment = (grid_code: string | null): Assignment => ({
  role: 'member',
  grid_code,
  grid_name: grid_code && `网格 ${grid_code}`,
  street_code: null,
  street_name: null,
  valid_from: '2026-01-01',
  valid_to: null,
})
const patrol = (id: string, grid_code: string, state: Patrol['state']): Patrol => ({
  id,
  grid_code,
  grid_name: grid_code,
  person: { id: 'p', name: '张三' },
  started_at: '2026-11-16T01:00:00Z',
  finished_at: null,
  state,
  segments: 1,
  fixes: 10,
  verdict: null,
})
const pair: ExplainedPair = {
  grid_code: 'a',
  grid_name: 'a',
  level: 3,
  person: { id: 'p', name: '张三' },
  required: 2,
  counted: 1,
  valid: 1,
  invalid: 0,
  pending: 0,
  met: false,
  status: 'partial',
  patrols: [{ id: '1', started_at: '2026-11-16T01:00:00Z', status: 'valid', counted: true, reason: null, reasons: [] }],
}

describe('my week', () => {
  it('lists each own grid once and leaves street roles out', () => {
    expect(ownGrids([assignment('a'), assignment(null), assignment('a'), assignment('b')])).toEqual([
      { code: 'a', name: '网格 a' },
      { code: 'b', name: '网格 b' },
    ])
  })

  it('waits while something is being judged', () => {
    expect(isWaiting({ pairs: [pair], elsewhere: [] })).toBe(false)
    expect(isWaiting({ pairs: [pair], elsewhere: [patrol('4', 'c', 'judging')] })).toBe(true)
  })
})
