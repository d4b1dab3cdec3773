import { describe, expect, it } from 'vitest'

import type { Check, PairWeek, Patrol, Verdict } from '../api/types'
import { explainedMark, explainedPair } from './explain'

const check = (name: string, passed: boolean): Check => ({
  check: name,
  measured: 12,
  required: 20,
  unit: 'min',
  passed,
  code: name,
  zh: `${name} 不够`,
  en: `${name} too short`,
})
const verdict = (status: Verdict['status'], results: Check[], counted: boolean, code: string | null): Verdict => ({
  status,
  results,
  counted,
  policy_version: 1,
  in_grid_s: 0,
  observed_s: 0,
  length_m: 0,
  coverage_ratio: 0,
  not_counted_reason: code === null ? null : { code, zh: code, en: code },
})
const patrol = (id: string, judged: Verdict | null, more: Partial<Patrol> = {}): Patrol => ({
  id,
  grid_code: 'a',
  grid_name: 'a',
  person: { id: 'p', name: '张三' },
  started_at: `2026-11-1${id}T01:00:00Z`,
  finished_at: null,
  state: judged ? 'judged' : 'judging',
  segments: 1,
  fixes: 10,
  verdict: judged,
  ...more,
})
const INVALID = patrol('7', verdict('invalid', [check('minutes', false), check('ratio', true)], false, 'not-valid'))
const SAME_DAY = patrol('6', verdict('valid', [check('minutes', true)], false, 'same-day'))
const COUNTED = patrol('8', verdict('valid', [check('minutes', true)], true, null))

describe('why a patrol does not count', () => {
  it('is told by the checks that failed', () => {
    expect(explainedMark(INVALID).reasons.map(({ zh }) => zh)).toEqual(['minutes 不够'])
  })

  it('is told by the weekly count when every check passed', () => {
    expect(explainedMark(SAME_DAY).reasons.map(({ code }) => code)).toEqual(['same-day'])
  })

  it('needs no telling for one that counts or waits', () => {
    expect(explainedMark(COUNTED).reasons).toEqual([])
    expect(explainedMark(patrol('9', null))).toMatchObject({ status: 'judging', counted: null, reasons: [] })
  })
})

describe('the week of a person in a grid', () => {
  const mark = { id: '7', started_at: INVALID.started_at, status: 'invalid', counted: false } as const
  const pair: PairWeek = {
    grid_code: 'a',
    grid_name: 'a',
    level: 3,
    person: { id: 'p', name: '张三' },
    required: 2,
    counted: 0,
    valid: 0,
    invalid: 1,
    pending: 0,
    met: false,
    status: 'none',
    patrols: [{ ...mark, reason: { code: 'not-valid', zh: '', en: '' } }],
  }

  it('adds what the count does not list yet, in order of time, and nothing of others', () => {
    const elsewhere = patrol('5', null, { grid_code: 'b' })
    const other = patrol('5', null, { person: { id: 'q', name: '李四' } })
    const { patrols } = explainedPair(pair, [INVALID, patrol('6', null), elsewhere, other])
    expect(patrols.map(({ id, status }) => [id, status])).toEqual([
      ['6', 'judging'],
      ['7', 'invalid'],
    ])
    expect(patrols[1]?.reasons).toHaveLength(1)
  })
})
