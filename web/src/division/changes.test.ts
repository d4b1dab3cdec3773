import { describe, expect, it } from 'vitest'

import { changedFigures, countActions, matches, noteOf, openReturn, sortedChanges } from './changes'
import type { PlanEvent, PlannedChange, PlannedGrid } from './types'

const was = { name: '一网格', kind: 'residential', households: 300, area_m2: 1000, version: 2 }
const change: PlannedChange = {
  change_id: 'a',
  action: 'change',
  code: '99000032011300700101',
  grid: '99000032011300700101',
  level: 3,
  name: '一网格',
  kind: 'residential',
  households: 150,
  parent: '99000032011300700100',
  area_m2: 1000.2,
  was,
  outdated: null,
  sources: [],
}
const event = (name: string, detail: Record<string, unknown> = {}): PlanEvent => ({ at: '', by: '', event: name, detail })

describe('figures of a change', () => {
  it('are those that differ; a shift of millimetres is none', () => {
    expect(changedFigures(change)).toEqual([{ of: 'households', before: 300, after: 150 }])
    expect(changedFigures({ ...change, area_m2: 1010, name: '甲' }).map(({ of }) => of)).toEqual(['name', 'households', 'area'])
  })

  it('are all that a new grid has, and what a retired one had', () => {
    expect(changedFigures({ ...change, action: 'create', was: null, households: null }).map(({ of }) => of)).toEqual(['kind', 'area'])
    expect(changedFigures({ ...change, action: 'retire' }).map(({ before }) => before)).toEqual([300, 1000])
  })
})

it('lists changes by level, action and name as people count', () => {
  const listed = sortedChanges([
    { ...change, change_id: '1', name: '第10网格' },
    { ...change, change_id: '2', name: '第2网格' },
    { ...change, change_id: '3', action: 'create' },
    { ...change, change_id: '4', action: 'retire', level: 2 },
  ])
  expect(listed.map(({ change_id: id }) => id)).toEqual(['4', '3', '2', '1'])
})

it('finds changes by name or code', () => {
  expect(matches(change, ' 网格 ')).toBe(true)
  expect(matches(change, '700101')).toBe(true)
  expect(matches({ ...change, code: null }, '700101')).toBe(false)
})

it('counts the grids of a level by what becomes of them', () => {
  const grid = (action: PlannedGrid['action']): PlannedGrid => ({ ...change, ref: 'x', action })
  expect(countActions([grid(null), grid('create'), grid('create'), grid('retire')])).toEqual({
    same: 1,
    create: 2,
    change: 0,
    retire: 1,
  })
})

it('remembers a return until the plan is submitted again', () => {
  const returned = event('returned', { note: '请核对户数' })
  expect(openReturn([event('submitted'), returned, event('split')])).toBe(returned)
  expect(openReturn([event('submitted'), returned, event('submitted')])).toBeNull()
  expect(noteOf(returned)).toBe('请核对户数')
  expect(noteOf(event('returned', { note: ' ' }))).toBeNull()
})
