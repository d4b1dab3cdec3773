import { afterEach, expect, it } from 'vitest'

import { ApiProblem, Unreachable } from '@/shared/api/problem'
import { i18n } from '@/shared/i18n'

import { fieldProblems, isForWhole } from './fieldProblems'

const problem = new ApiProblem(
  422,
  {
    code: 'invalid',
    errors: [
      { pointer: '/valid_to', code: 'not-after-start', detail: '结束日期须晚于开始日期 / must be after valid_from' },
      { pointer: '/valid_to', code: 'another', detail: 'second' },
      { pointer: '/points/3/person_id', code: 'odd', detail: '甲 / b' },
    ],
  },
  null,
)

afterEach(() => {
  i18n.global.locale.value = 'zh-CN'
})

it('puts the first sentence beside the field that the pointer names', () => {
  i18n.global.locale.value = 'en'
  expect(fieldProblems(problem)).toEqual({ valid_to: 'must be after valid_from', person_id: 'b' })
  expect(fieldProblems(problem, { person_id: 'person' })).toHaveProperty('person')
})

it('tells the whole form what belongs to none of its fields', () => {
  expect(isForWhole(problem, ['valid_to'])).toBe(false)
  expect(isForWhole(problem, ['note'])).toBe(true)
  expect(isForWhole(new Unreachable(null), ['note'])).toBe(true)
  expect(isForWhole(null, ['note'])).toBe(false)
})
