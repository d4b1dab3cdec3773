import { describe, expect, it } from 'vitest'

import { ApiProblem, Unreachable } from '@/shared/api/problem'
import { hasSuffix } from '@/shared/desk/suffixes'
import { isDay } from '@/shared/format/day'

import { conflictOf } from './conflict'
import { DATUM_CHOICES, ZONE_CHOICES, declaredDatum, isDatum } from './datums'
import { FILE_SUFFIXES, mappingText } from './importing'
import { adviceFor, mondayFrom, nextMonday } from './validFrom'

describe('somebody else was faster', () => {
  const outdated = (extra: Record<string, unknown>): ApiProblem =>
    new ApiProblem(412, { code: 'outdated', title: 'changed', ...extra }, null)

  it('is told with who and when', () => {
    expect(conflictOf(outdated({ changed_by: '魏建国', changed_at: '2026-11-20T01:00:00+00:00' }))).toEqual({
      by: '魏建国',
      at: '2026-11-20T01:00:00+00:00',
    })
    expect(conflictOf(outdated({ changed_at: 'yesterday' }))).toEqual({ by: null, at: null })
  })

  it('is no other failure', () => {
    expect(conflictOf(new ApiProblem(409, { code: 'plan-closed' }, null))).toBeNull()
    expect(conflictOf(new Unreachable(null))).toBeNull()
  })
})

describe('datums', () => {
  it('offer the eight zones with their meridians', () => {
    expect(ZONE_CHOICES).toHaveLength(8)
    expect(ZONE_CHOICES.map(({ meridian }) => meridian)).toEqual([114, 117, 120, 123, 126, 129, 132, 135])
    expect([...DATUM_CHOICES, ...ZONE_CHOICES].every(({ value }) => isDatum(value))).toBe(true)
  })

  it.each([
    ['GCJ02', '', 'GCJ02'],
    ['other', ' epsg:4528 ', 'EPSG:4528'],
    ['other', '+proj=tmerc +lon_0=118.8', '+proj=tmerc +lon_0=118.8'],
    ['other', '', null],
    ['other', '4528', null],
  ])('%s with %s is declared as %s', (choice, other, declared) => {
    expect(declaredDatum(choice, other)).toBe(declared)
  })
})

describe('files', () => {
  it.each([
    ['网格.GeoJSON', true],
    ['网格.zip', true],
    ['网格.shp', false],
    ['网格.xls', false],
  ])('%s can be imported: %s', (name, can) => {
    expect(hasSuffix(name, FILE_SUFFIXES)).toBe(can)
  })

  it('declare only the fields that were named', () => {
    expect(mappingText({ name: ' WGMC ', code: '' })).toBe('{"name":"WGMC"}')
    expect(mappingText({ name: ' ' })).toBe('')
  })
})

describe('the first day of a plan', () => {
  const friday = new Date('2026-11-20T03:00:00Z')

  it('is proposed as a Monday, counted in Shanghai', () => {
    expect(nextMonday(friday)).toBe('2026-11-23')
    expect(nextMonday(new Date('2026-11-22T16:30:00Z'))).toBe('2026-11-30') // Monday there already
    expect(mondayFrom('2026-11-25')).toBe('2026-11-30')
    expect(mondayFrom('2026-11-23')).toBe('2026-11-23')
  })

  it.each([
    ['2026-11-23', 'good'],
    ['2026-11-25', 'midweek'],
    ['2026-11-20', 'midweek'],
    ['2026-11-19', 'past'],
    ['', 'missing'],
  ])('%s is %s', (day, advice) => {
    expect(adviceFor(day, friday)).toBe(advice)
  })

  it('is a day that exists', () => {
    expect(isDay('2026-02-28')).toBe(true)
    expect(isDay('2026-13-01')).toBe(false)
    expect(isDay('2026-02-30')).toBe(false)
    expect(isDay(['2026-02-28'])).toBe(false)
  })
})
