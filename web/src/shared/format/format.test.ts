import { afterEach, describe, expect, it, vi } from 'vitest'

import { i18n } from '../i18n'
import { compactGridCode, isGridCode, spacedGridCode } from './gridCode'
import { formatArea, formatLength, formatMoment, formatShare, formatWeekDays, minutesBetween } from './index'
import { formatMeasure } from './measure'

afterEach(() => {
  vi.useRealTimers()
  i18n.global.locale.value = 'zh-CN'
})

describe('grid codes', () => {
  it('are shown in their groups', () => {
    expect(spacedGridCode('99030132011300700101')).toBe('990301 320113 007 001 01')
    expect(spacedGridCode('99030132011300700101-003-012')).toBe('990301 320113 007 001 01-003-012')
    expect(spacedGridCode('not a code')).toBe('not a code')
  })

  it('are recognised however they were pasted', () => {
    expect(isGridCode(compactGridCode(' 990301 320113 007 001 01 '))).toBe(true)
    expect(isGridCode('9903013201130070010')).toBe(false)
  })
})

describe('figures for people', () => {
  it('never rounds up to a full share', () => {
    expect(formatShare(0.996)).toBe('99%')
    expect(formatShare(0.29)).toBe('29%')
    expect(formatShare(1)).toBe('100%')
  })

  it('gives area and length a fitting unit', () => {
    expect(formatArea(95_208)).toBe('95,208 m²')
    expect(formatArea(1_094_000)).toBe('1.09 km²')
    expect(formatLength(840)).toBe('840 m')
    expect(formatLength(2310)).toBe('2.3 km')
  })

  it('shows times of Shanghai in the chosen language', () => {
    vi.setSystemTime('2026-11-20T00:00:00Z')
    expect(formatMoment('2026-11-16T01:05:00Z')).toBe('11月16日 周一 09:05')
    expect(formatMoment('2021-12-31T17:00:00Z')).toBe('2022年1月1日 周六 01:00')
    expect(formatWeekDays('2026-W47')).toBe('11月16日–22日')
    expect(formatWeekDays('2026-W49')).toBe('11月30日–12月6日')
    i18n.global.locale.value = 'en'
    expect(formatMoment('2026-11-16T01:05:00Z')).toBe('Nov 16 Mon 09:05')
    expect(formatWeekDays('2026-W47')).toMatch(/^Nov 16\s–\s22$/)
  })

  it('counts whole minutes', () => {
    expect(minutesBetween('2026-11-16T01:00:00Z', '2026-11-16T01:41:10Z')).toBe(41)
    expect(minutesBetween('2026-11-16T01:00:00Z', '2026-11-16T00:00:00Z')).toBe(0)
  })

  it.each([
    [12.4, 'min', '12 分钟'],
    [3.25, 'min', '3.3 分钟'],
    [0.61, 'ratio', '61%'],
    [1830, 'm', '1.8 km'],
    [64, 's', '64 秒'],
    [480, 'fixes', '480 个点'],
    [null, 'min', '—'],
    ['无', null, '无'],
    [2, null, '2'],
  ])('writes %s %s as %s', (value, unit, text) => {
    expect(formatMeasure(value, unit)).toBe(text)
  })
})
