import { describe, expect, it } from 'vitest'

import { factsIn, mayRule, othersIn, othersOf, sortedChecks } from './evidence'
import { beside, daysWaiting, decidedMatters, narrowed, ofReview, openMatters, reasonsIn } from './queue'
import { boxOf, drawnTracks, gapsIn, spanOf } from './track'
import type { Appeal, JudgedCheck, Review, TrackDocument } from './types'

const doubt = (code: string, evidence: Record<string, unknown> = {}): JudgedCheck =>
  ({ code, check: code, kind: 'doubt', passed: false, zh: '', en: '', evidence }) as unknown as JudgedCheck
const review = (id: string, day: string, more: Partial<Review> = {}, doubts: JudgedCheck[] = []): Review =>
  ({
    patrol: {
      id,
      person: { id: `p${id}`, name: id },
      started_at: `${day}T01:00:00Z`,
      finished_at: null,
      verdict: { results: doubts },
    },
    decided: null,
    changed_since: false,
    open_appeal_id: null,
    ...more,
  }) as unknown as Review
const appeal = (id: string, day: string, more: Partial<Appeal> = {}): Appeal =>
  ({
    id,
    patrol_id: null,
    person: { id: 'x', name: 'x' },
    started_at: '2026-11-01T01:00:00Z',
    received_at: `${day}T01:00:00Z`,
    decision: null,
    may_decide: true,
    patrol: null,
    ...more,
  }) as unknown as Appeal
const ruled = { decision: 'accepted', note: '', by: { id: 'd', name: '' } } as const

describe('what waits', () => {
  it('stands in the order of waiting, an appeal about a doubted patrol once', () => {
    const found = openMatters(
      [review('1', '2026-11-10'), review('2', '2026-11-02', { open_appeal_id: 'a' })],
      [appeal('a', '2026-11-12', { patrol_id: '2' }), appeal('b', '2026-11-05'), appeal('c', '2026-11-01', { may_decide: false })],
    )
    expect(found.map(({ key }) => key)).toEqual(['appeal-b', 'patrol-1', 'appeal-a'])
    expect(found[2]?.patrol?.id).toBe('2')
  })

  it('waits for whole days', () => {
    expect(daysWaiting('2026-11-10T00:00:00Z', Date.parse('2026-11-12T23:00:00Z'))).toBe(2)
    expect(daysWaiting('2026-11-10T00:00:00Z', Date.parse('2026-11-09T00:00:00Z'))).toBe(0)
  })
})

describe('a queue', () => {
  const queue = openMatters(
    [review('1', '2026-11-02', {}, [doubt('shared-track'), doubt('clock-skew')]), review('2', '2026-11-03', {}, [doubt('clock-skew')])],
    [appeal('a', '2026-11-04')],
  )

  it('says how many matters have each reason', () => {
    expect(reasonsIn(queue)).toEqual([
      { name: 'appeal', n: 1 },
      { name: 'clock-skew', n: 2 },
      { name: 'shared-track', n: 1 },
    ])
  })

  it('is narrowed by reason and by name', () => {
    const keys = (why: string, text: string): string[] => narrowed(queue, { why, text }).map(({ key }) => key)
    expect(keys('', '')).toHaveLength(3)
    expect(keys('clock-skew', '')).toEqual(['patrol-1', 'patrol-2'])
    expect(keys('clock-skew', ' 2')).toEqual(['patrol-2'])
  })

  it('is gone through to its ends', () => {
    const [first, second] = queue
    expect(first && beside(queue, first, 1)?.key).toBe(second?.key)
    expect(first && beside(queue, first, -1)).toBeNull()
    expect(first && beside(queue.slice(1), first, 1)).toBeNull()
  })
})

it('lists decisions the latest first, each once, without those on oneself', () => {
  const at = (day: string, appealId: string | null): Review['decided'] =>
    ({ ...ruled, at: `${day}T01:00:00Z`, computed_status: 'invalid', results: [], appeal_id: appealId }) as Review['decided']
  const found = decidedMatters(
    [review('1', '2026-11-01', { decided: at('2026-11-08', 'a') }), review('2', '2026-11-02', { decided: at('2026-11-09', null) })],
    [
      appeal('a', '2026-11-07', { decision: { ...ruled, at: '2026-11-08T01:00:00Z' } }),
      appeal('b', '2026-11-07', { decision: { ...ruled, at: '2026-11-10T01:00:00Z' } }),
      appeal('mine', '2026-11-07', { person: { id: 'me', name: '' }, decision: { ...ruled, at: '2026-11-11T01:00:00Z' } }),
      appeal('withdrawn', '2026-11-07'),
    ],
    'me',
  )
  expect(found.map(({ key }) => key)).toEqual(['appeal-b', 'patrol-2', 'patrol-1'])
  expect(found[2]?.appeal?.id).toBe('a')
})

describe('evidence', () => {
  it('names other patrols, each once', () => {
    const first = doubt('shared-track', { patrols: [{ id: 'o', ratio: 0.9 }] })
    const second = doubt('copied-track', { patrols: [{ id: 'o' }, { id: 'q' }] })
    expect(othersIn(first)).toHaveLength(1)
    expect(othersIn(doubt('mock-positions'))).toEqual([])
    const matter = ofReview(review('1', '2026-11-01', {}, [first, second]))
    expect(othersOf(matter).map(({ id }) => id)).toEqual(['o', 'q'])
    expect(sortedChecks([first]).doubts).toHaveLength(1)
  })

  it('is told in plain figures', () => {
    expect(factsIn(doubt('clock-skew', { clock_offset_s: -400 }))).toEqual([{ name: 'behind', n: 400 }])
    expect(factsIn(doubt('shared-track', { patrols: [], unseen_patrols: 2 }))).toEqual([{ name: 'unseen', n: 2 }])
  })

  it('needs a reason to be rejected', () => {
    expect(mayRule('rejected', ' ')).toBe(false)
    expect(mayRule('accepted', '')).toBe(true)
  })
})

const track: TrackDocument = {
  type: 'FeatureCollection',
  patrol_id: '1',
  features: [
    {
      type: 'Feature',
      geometry: { type: 'LineString', coordinates: [[118, 32], [118.2, 32.1]] },
      properties: { kind: 'walked', from_at: '2026-11-01T01:00:00Z', to_at: '2026-11-01T01:20:00Z' },
    },
    {
      type: 'Feature',
      geometry: null,
      properties: { kind: 'gap', from_at: '2026-11-01T01:20:00Z', to_at: '2026-11-01T01:30:00Z', zh: '没电', en: '' },
    },
  ],
}

describe('a track', () => {
  it('is drawn beside another one', () => {
    expect(drawnTracks(track, track).features.map(({ properties }) => properties?.whose)).toEqual(['other', 'this'])
    expect(drawnTracks(track, null).features).toHaveLength(1)
    expect(boxOf([track, null])).toEqual([118, 32, 118.2, 32.1])
    expect(boxOf([null])).toBeNull()
  })

  it('says when nothing is known', () => {
    expect(gapsIn(track)).toEqual([{ from: '2026-11-01T01:20:00Z', to: '2026-11-01T01:30:00Z', zh: '没电', en: '' }])
    expect(spanOf(track)).toEqual({ from: '2026-11-01T01:00:00Z', to: '2026-11-01T01:20:00Z' })
  })
})
