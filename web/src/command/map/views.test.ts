import { describe, expect, it } from 'vitest'

import type { GridSummary } from '@/shared/api/types'

import { findGrids, shortName } from '../useCatalogue'
import { boundsOf, countByStatus, labelsOf, sameViews, viewsOf } from './views'

const square = (west: number): unknown => [
  [
    [west, 0],
    [west + 2, 0],
    [west + 2, 2],
    [west, 2],
    [west, 0],
  ],
]
const drawn = (code: string, status: string, west = 0, more = {}): never =>
  ({
    properties: { code, name: `网格${code}`, level: 3, status, due: 1, met: 0, counted: 1, needed: 2, ...more },
    geometry: { type: 'Polygon', coordinates: square(west) },
  }) as never

const grid = (code: string, name: string, level: number, parent: string | null): GridSummary => ({
  code,
  name,
  level,
  parent,
  kind: 'comprehensive',
  households: 0,
  area_m2: 0,
  centre: [118.9, 32.1],
})
const GRIDS = [
  grid('99010132011300700200', '亚东社区', 1, null),
  grid('99020132011300700201', '亚东社区第1片区', 2, '99010132011300700200'),
  grid('99030132011300700201', '亚东社区第1网格', 3, '99020132011300700201'),
  grid('99030132011300700202', '亚东花园一网格', 3, '99020132011300700201'),
]
const BY_CODE = new Map(GRIDS.map((each) => [each.code, each]))

describe('grids in view', () => {
  it('are counted once although tiles cut them apart, worst first', () => {
    const views = viewsOf([drawn('2', 'met'), drawn('1', 'none'), drawn('2', 'met', 2), drawn('3', 'strange')])
    expect(views.map(({ code }) => code)).toEqual(['1', '2', '3'])
    expect(countByStatus(views)).toEqual({ met: 1, partial: 0, none: 1, unassigned: 1 })
  })

  it('are the same until a status or count changes', () => {
    const before = viewsOf([drawn('1', 'none')])
    expect(sameViews(before, viewsOf([drawn('1', 'none', 5)]))).toBe(true)
    expect(sameViews(before, viewsOf([drawn('1', 'partial')]))).toBe(false)
    expect(sameViews(before, [])).toBe(false)
  })

  it('are labelled at their own middle, or at the middle of what is drawn', () => {
    const known = drawn('99030132011300700201', 'partial')
    const labels = labelsOf(viewsOf([known, drawn('7', 'met', 8), drawn('7', 'met', 10)]), BY_CODE).features
    expect(labels[0]?.geometry.coordinates).toEqual([118.9, 32.1])
    expect(labels[0]?.properties).toMatchObject({ name: '第1网格', count: '\n1/2' })
    expect(labels[1]?.geometry.coordinates).toEqual([10, 1])
  })

  it('have bounds whatever their geometry type', () => {
    expect(boundsOf([square(0), square(4)])).toEqual([0, 0, 6, 2])
  })
})

describe('catalogue', () => {
  it('finds by name, by code with blanks, and puts the larger grid first', () => {
    expect(findGrids(GRIDS, '亚东').map(({ level }) => level)).toEqual([1, 2, 3, 3])
    expect(findGrids(GRIDS, '990301 320113 007 002 02')).toEqual([GRIDS[3]])
    expect(findGrids(GRIDS, '   ')).toEqual([])
  })

  it('shortens a name by what its level-1 grid says already', () => {
    expect(shortName(GRIDS[2] as GridSummary, BY_CODE)).toBe('第1网格')
    expect(shortName(GRIDS[3] as GridSummary, BY_CODE)).toBe('亚东花园一网格')
    expect(shortName(GRIDS[0] as GridSummary, BY_CODE)).toBe('亚东社区')
  })
})
