import { describe, expect, it } from 'vitest'

import type { FullCheck, FullVerdict } from './myApi'
import { mayAppeal, toldOf } from './telling'

const check = (code: string, kind: FullCheck['kind'], passed: boolean): FullCheck => ({
  code,
  zh: code,
  en: code,
  check: code,
  measured: 1,
  required: 2,
  unit: 'min',
  passed,
  kind,
})
const verdict = (status: FullVerdict['status'], decision: FullVerdict['decision'] = null): FullVerdict =>
  ({ status, decision }) as FullVerdict

describe('what a verdict tells', () => {
  it('puts what fails first and doubts, which accuse nobody, apart', () => {
    const told = toldOf([
      check('met', 'check', true),
      check('short', 'check', false),
      check('shared-track', 'doubt', false),
      check('gap-killed', 'note', true),
    ])
    expect(told.checks.map(({ text, mark }) => [text.zh, mark])).toEqual([
      ['short', 'no'],
      ['met', 'yes'],
    ])
    expect(told.doubts.map(({ mark }) => mark)).toEqual(['ask'])
    expect(told.notes.map(({ mark }) => mark)).toEqual(['note'])
  })
})

describe('an appeal', () => {
  it.each<[FullVerdict | null, boolean, boolean]>([
    [verdict('invalid'), false, true],
    [verdict('pending_review'), false, true],
    [verdict('invalid'), true, false],
    [verdict('invalid', 'rejected'), false, true],
    [verdict('accepted_by_supervisor', 'accepted'), false, false],
    [verdict('valid'), false, false],
    [null, false, false],
  ])('%o with an open one %s is offered: %s', (judged, hasOpen, offered) => {
    expect(mayAppeal(judged, hasOpen)).toBe(offered)
  })
})
