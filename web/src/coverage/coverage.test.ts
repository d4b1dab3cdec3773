import { describe, expect, it } from 'vitest'

import { COVERED_COLOURS, cellOf, resolutionOf, stepNames, stepsFor, sumOf, topLevel, unknownIn } from './scale'
import { COVERAGE_DAYS, type GridShares } from './types'

const share = (reached: number, total: number): GridShares['cells'] => ({ reached, total, ratio: null })
const grid = (reached: number, total: number): GridShares => ({
  code: '',
  name: '',
  level: 1,
  cells: share(reached, total),
  cells_unknown: 2,
  checkpoints: share(0, 0),
  buildings: share(0, 0),
  households: share(0, 0),
  registered_households: share(0, 0),
  buildings_without_households: 0,
})

describe('the scale', () => {
  it('has one colour for each step, whatever the days', () => {
    for (const days of COVERAGE_DAYS) expect(stepsFor(days, 12)).toHaveLength(COVERED_COLOURS.length)
    expect(stepNames(7, 15)).toEqual(['1', '2', '3–4', '5+'])
    expect(stepNames(30, 14)).toEqual(['1–2', '3–5', '6–9', '10+'])
    expect(stepNames(30, 13)).toEqual(['1–5', '6–11', '12–19', '20+'])
  })

  it('grows darker with every step', () => {
    const lightness = COVERED_COLOURS.map((colour) => parseInt(colour.slice(1, 3), 16) + parseInt(colour.slice(3, 5), 16))
    expect(lightness).toEqual([...lightness].sort((a, b) => b - a))
  })
})

it('reads cells of the tiles and nothing else', () => {
  expect(cellOf({ cell: '8b31aa', state: 'covered', visits: 3, dwell_s: 120, unconfirmed: 1 })).toEqual({
    id: '8b31aa',
    state: 'covered',
    visits: 3,
    dwellS: 120,
    unconfirmed: 1,
  })
  expect(cellOf({ status: 'met' })).toBeNull()
})

it('knows how fine a cell is', () => {
  expect(['8b30e1d8c283fff', '8930e1d8c2bffff'].map(resolutionOf)).toEqual([11, 9])
})

it('adds up shares, and has no ratio of nothing', () => {
  expect(sumOf([grid(1, 4), grid(3, 4)], 'cells')).toEqual({ reached: 4, total: 8, ratio: 0.5 })
  expect(sumOf([grid(1, 4)], 'checkpoints').ratio).toBeNull()
  expect(unknownIn([grid(1, 4), grid(3, 4)])).toBe(4)
})

it('sums up by the topmost level that somebody sees', () => {
  expect(topLevel([2, 3, 3])).toBe(2)
  expect(topLevel([1, 4])).toBe(1)
  expect(topLevel([4, 5])).toBe(3)
  expect(topLevel([])).toBe(3)
})
