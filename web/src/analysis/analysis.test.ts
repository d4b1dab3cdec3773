import { describe, expect, it } from 'vitest'

import { fairSlope, lanesOf, scaleFor, swarm } from './plot'
import { countFindings, matching, nextOrder, shareOfLargest, sorted } from './rows'
import type { BalanceRow } from './types'

const NONE = { buildings: 0, buildings_without_households: 0, households: 0, entrances: 0, organisations: 0, shops: 0 }

function row(code: string, part: Partial<BalanceRow> = {}): BalanceRow {
  return {
    code,
    name: `网格${code}`,
    kind: 'residential',
    level: 3,
    is_scattered: false,
    area_m2: 1000,
    households: 300,
    households_declared: 300,
    objects: { ...NONE, compounds: 0 },
    population: 786,
    population_is_estimated: true,
    difficulty: 1,
    staff: 2,
    households_per_staff: 150,
    staffing_ratio: 1,
    norm: { zh: '300 户左右', en: 'about 300 households', least: 200, aim: 300, most: 400 },
    findings: [],
    ...part,
  }
}
const large = { code: 'grid-too-large', zh: '多', en: 'many' }
const nobody = { code: 'no-staff', zh: '无', en: 'none' }

describe('rows of the balance report', () => {
  it('are sorted by a figure, the unknown last either way', () => {
    const rows = [row('1', { area_m2: null }), row('2', { area_m2: 5 }), row('3', { area_m2: 9 })]
    const codes = (descending: boolean): string[] => sorted(rows, { by: 'area_m2', descending }).map(({ code }) => code)
    expect(codes(true)).toEqual(['3', '2', '1'])
    expect(codes(false)).toEqual(['2', '3', '1'])
  })

  it('turn round at the second click and begin with the largest figure', () => {
    expect(nextOrder({ by: 'name', descending: false }, 'shops')).toEqual({ by: 'shops', descending: true })
    expect(nextOrder({ by: 'shops', descending: true }, 'shops')).toEqual({ by: 'shops', descending: false })
    expect(nextOrder({ by: 'shops', descending: true }, 'name')).toEqual({ by: 'name', descending: false })
  })

  it('are found by name, code and finding', () => {
    const rows = [row('10', { findings: [large] }), row('20', { findings: [large, nobody] }), row('30')]
    expect(matching(rows, '2 0', '').map(({ code }) => code)).toEqual(['20'])
    expect(matching(rows, '', 'any')).toHaveLength(2)
    expect(matching(rows, '网格', 'no-staff').map(({ code }) => code)).toEqual(['20'])
    expect(countFindings(rows)).toEqual([
      { code: 'grid-too-large', count: 2 },
      { code: 'no-staff', count: 1 },
    ])
  })

  it('have bars in proportion to the largest', () => {
    const rows = [row('1', { households: 100 }), row('2', { households: 400 })]
    expect(rows.map(shareOfLargest(rows, 'households'))).toEqual([0.25, 1])
    expect(rows.map(shareOfLargest(rows, 'shops'))).toEqual([0, 0])
  })
})

describe('plots', () => {
  it('end at a round number', () => {
    const scale = scaleFor(437, 0, 100)
    expect(scale.ticks).toEqual([0, 100, 200, 300, 400, 500])
    expect(scale(250)).toBe(50)
    expect(scaleFor(2.3, 0, 10).ticks).toEqual([0, 0.5, 1, 1.5, 2, 2.5])
    expect(scaleFor(0, 0, 10).max).toBeGreaterThan(0)
  })

  it('keep dots apart', () => {
    const places = [10, 10, 11, 30, 12, 10]
    const offsets = swarm(places, 4, 40)
    expect(offsets[3]).toBeCloseTo(0)
    for (const [a, x] of places.entries())
      for (const [b, other] of places.entries()) {
        const apart = Math.hypot(x - other, (offsets[a] ?? 0) - (offsets[b] ?? 0))
        if (a !== b) expect(apart).toBeGreaterThanOrEqual(8 - 1e-9)
      }
  })

  it('measure each grid against its own norm, those without one last', () => {
    const scattered = { zh: '100 户左右', en: 'about 100 households', least: 67, aim: 100, most: 133 }
    const rows = [row('1', { norm: null }), row('2', { is_scattered: true, norm: scattered }), row('3')]
    expect(lanesOf(rows).map(({ name, norm }) => [name, norm?.most])).toEqual([
      ['normal', 400],
      ['scattered', 133],
      ['other', undefined],
    ])
  })

  it('know what staff would be fair', () => {
    expect(fairSlope([row('1', { staff: 0 }), row('2', { staff: 3, difficulty: 2, staffing_ratio: 0.5 })])).toBe(3)
    expect(fairSlope([row('1', { staffing_ratio: null })])).toBeNull()
  })
})
