import { describe, expect, it } from 'vitest'

import { answersOf, fieldsOf, freshItem, missingIn, toldIn } from './schema'

const named = (zh: string): { zh: string; en: string } => ({ zh, en: zh.toUpperCase() })
const NEEDS = {
  ...named('需求'),
  type: 'array',
  maxItems: 3,
  items: {
    type: 'object',
    required: ['kind'],
    properties: {
      kind: { ...named('类别'), type: 'string', maxLength: 20 },
      urgency: { ...named('缓急'), oneOf: [{ const: 'normal', ...named('一般') }], default: 'normal' },
    },
  },
}
const definition = {
  type: 'object',
  additionalProperties: false,
  required: ['state', 'plan', 'tags'],
  $defs: { day: { type: 'string', format: 'date' } },
  properties: {
    needs: NEEDS,
    state: { ...named('状况'), type: 'string', oneOf: [{ const: 'ok', ...named('好') }, { const: 'bad', ...named('差') }] },
    tags: { ...named('标签'), type: 'array', items: { type: 'string', enum: ['a', 'b'] } },
    alone: { ...named('独居'), type: 'boolean' },
    count: { ...named('人数'), type: 'integer', minimum: 0 },
    plan: {
      ...named('计划'),
      type: 'object',
      required: ['on'],
      properties: { on: { $ref: '#/$defs/day', ...named('日期') }, note: { ...named('说明'), type: 'string' } },
    },
  },
}
const fields = fieldsOf(definition)

describe('a form', () => {
  it('is drawn by what each field is, in the order in which it was written', () => {
    expect(fields.map(({ name, kind, isRequired }) => [name, kind, isRequired])).toEqual([
      ['needs', 'list', false],
      ['state', 'choice', true],
      ['tags', 'choices', true],
      ['alone', 'flag', false],
      ['count', 'number', false],
      ['plan', 'group', true],
    ])
    const [, state, , , , plan] = fields
    expect(state?.kind === 'choice' && state.choices.map(({ zh, en }) => [zh, en])).toEqual([
      ['好', '好'],
      ['差', '差'],
    ])
    expect(plan?.kind === 'group' && plan.fields.map(({ kind, zh }) => [kind, zh])).toEqual([
      ['day', '日期'],
      ['text', '说明'],
    ])
  })

  it('sends what was answered and leaves out what was not', () => {
    const given = { state: 'ok', tags: [], alone: false, count: '', plan: { on: '', note: ' 看看 ' }, needs: [{ kind: ' 医疗 ' }] }
    expect(answersOf(fields, given)).toEqual({
      state: 'ok',
      alone: false,
      plan: { note: '看看' },
      needs: [{ kind: '医疗' }],
    })
    expect(answersOf(fields, { count: '2', needs: [] })).toEqual({ count: 2, plan: {} })
  })

  it('names what is missing where the server would', () => {
    const answers = answersOf(fields, { needs: [{ urgency: 'normal' }] })
    expect(missingIn(fields, answers)).toEqual([
      '/answers/needs/0/kind',
      '/answers/state',
      '/answers/tags',
      '/answers/plan/on',
    ])
  })

  it('proposes what the form proposes', () => {
    const [needs] = fields
    expect(needs?.kind === 'list' && freshItem(needs.fields)).toEqual({ urgency: 'normal' })
  })

  it('tells answers in words', () => {
    const given = { state: 'bad', tags: ['a', 'b'], alone: false, needs: [{ kind: '医疗', urgency: 'normal' }], plan: { note: '看看' } }
    expect(toldIn(fields, given).map(({ zh, value }) => [zh, value.zh])).toEqual([
      ['需求', '医疗，一般'],
      ['状况', '差'],
      ['标签', 'a、b'],
      ['独居', '否'],
      ['说明', '看看'],
    ])
  })
})
