import { describe, expect, it } from 'vitest'

import { ApiProblem } from '@/shared/api/problem'

import { correctionOf, missingOf, saidOf, visitOf, type Draft } from './recording'
import type { VisitForm } from './visitApi'

const form: VisitForm = {
  code: 'needs',
  version: 2,
  zh: '需求',
  en: 'needs',
  theme: 'needs',
  definition: {
    type: 'object',
    required: ['opinion'],
    properties: { opinion: { zh: '意见', en: 'opinion', type: 'string' } },
  },
}
const draft = { outcome: 'met', theme: 'needs', form: 'needs/2', answers: { opinion: ' 好 ' }, note: ' 记 ', reason: '' } satisfies Draft
const at = new Date('2026-11-18T11:30:00Z')

describe('a visit', () => {
  it('is sent with the form and what was answered', () => {
    expect(visitOf('h', draft, form, at, null)).toEqual({
      household_id: 'h',
      at: '2026-11-18T11:30:00.000Z',
      outcome: 'met',
      theme: 'needs',
      form: { code: 'needs', version: 2 },
      answers: { opinion: '好' },
      note: '记',
    })
  })

  it('takes no form along when nobody was spoken with, and a position when there is one', () => {
    const body = visitOf('h', { ...draft, outcome: 'not_home' }, form, at, { lon: 118.9, lat: 32.1, accuracy_m: 8 })
    expect(body).not.toHaveProperty('form')
    expect(body).toMatchObject({ theme: 'routine', position: { lon: 118.9, datum: 'EPSG:4326' } })
    expect(missingOf(body, form)).toEqual([])
  })

  it('is corrected or taken back with a reason, under the same rules', () => {
    const said = correctionOf('v', { ...draft, outcome: 'withdrawn', reason: ' 点错了 ' }, form, at)
    expect(said).toEqual({
      visit_id: 'v',
      made_at: '2026-11-18T11:30:00.000Z',
      reason: '点错了',
      outcome: 'withdrawn',
      theme: 'routine',
      note: '记',
    })
    expect(missingOf(correctionOf('v', { ...draft, answers: {} }, form, at), form)).toEqual(['/answers/opinion'])
  })

  it('names what is missing, before and after sending', () => {
    expect(missingOf(visitOf('h', { ...draft, answers: {} }, form, at, null), form)).toEqual(['/answers/opinion'])
    const errors = [{ pointer: '/answers/opinion', code: 'max-length', detail: '最多 5 个字 / at most 5 characters' }]
    expect(saidOf(new ApiProblem(422, { code: 'answers-invalid', errors }, null))).toEqual({
      '/answers/opinion': '最多 5 个字',
    })
    expect(saidOf(new Error('x'))).toEqual({})
  })
})
