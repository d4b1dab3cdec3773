import { describe, expect, it } from 'vitest'

import zhCN from '../i18n/zh-CN'
import type { GridStatus, PatrolStatus, WeekState } from '../api/types'
import { gridLabel, patrolLabel } from './status'

function words(key: string): unknown {
  return key.split('.').reduce<unknown>((tree, part) => (tree as Record<string, unknown>)[part], zhCN)
}

describe('words for a patrol', () => {
  it.each<[PatrolStatus, boolean | null, string, string]>([
    ['open', null, 'unassigned', '巡查中'],
    ['judging', null, 'unassigned', '评定中'],
    ['valid', true, 'met', '计入'],
    ['valid', null, 'met', '计入'],
    ['valid', false, 'partial', '有效，未计入'],
    ['accepted_by_supervisor', true, 'met', '主管认可，计入'],
    ['accepted_by_supervisor', false, 'partial', '有效，未计入'],
    ['invalid', false, 'none', '无效'],
    ['pending_review', false, 'partial', '待复核'],
  ])('%s counted=%s', (status, counted, tone, text) => {
    const label = patrolLabel({ status, counted })
    expect(label.tone).toBe(tone)
    expect(words(label.key)).toBe(text)
  })
})

describe('words for a grid', () => {
  it('do not call a running week failed', () => {
    expect(words(gridLabel('none', 'running').key)).toBe('尚无有效巡查')
    expect(words(gridLabel('none', 'closed').key)).toContain('未达标')
  })

  it('exist for every status and state', () => {
    for (const week of ['running', 'grace', 'closed'] satisfies WeekState[])
      for (const status of ['met', 'partial', 'none', 'unassigned'] satisfies GridStatus[])
        expect(words(gridLabel(status, week).key)).toBeTypeOf('string')
  })
})
