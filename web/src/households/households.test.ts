import { describe, expect, it } from 'vitest'

import { csvText } from './csv'
import { doorOf, draftOf, looksPersonal, residentDraft } from './drafts'
import { checkState, shareText } from './quality'
import type { Household } from './types'
import { SHOWN_S, secondsUntil } from './useReveal'

const household = {
  id: 'h',
  street: '320113007',
  address: null,
  building: 'b',
  building_name: '亚东花园3幢',
  address_text: null,
  entrance: '1',
  floor: '4',
  room: '402',
  kind: 'registered',
  position: [118.9, 32.1],
  grid: { code: 'g', name: '', level: 3, manual: false },
  source: '导入',
  confirmed_at: '2026-11-01T01:00:00Z',
} as unknown as Household
const edit = { entrance: '2 ', floor: '', room: '402', kind: 'floating', code: '' } as const

describe('an edited household', () => {
  it('keeps what the form does not show', () => {
    expect(draftOf(household, edit)).toEqual({
      street: '320113007',
      address: null,
      building: 'b',
      grid: null,
      source: '导入',
      confirmed_at: '2026-11-01T01:00:00Z',
      entrance: '2',
      floor: null,
      room: '402',
      code: null,
      kind: 'floating',
    })
  })

  it('repeats a position only where nothing else says where it is', () => {
    expect(draftOf({ ...household, building: null }, edit)).toHaveProperty('position', [118.9, 32.1])
  })

  it('keeps a grid that was chosen by hand', () => {
    const byHand = { ...household, grid: { code: 'g', name: '', level: 3, manual: true } }
    expect(draftOf(byHand, edit)).toHaveProperty('grid', 'g')
  })
})

it('leaves out what was not typed of a resident, so that it stays', () => {
  const fields = { name: '', relation: '', residence: 'registered', joinedOn: '', idNumber: '', phone: ' ' } as const
  expect(residentDraft('h', fields)).toEqual({
    household: 'h',
    relation: null,
    residence: 'registered',
    joined_on: null,
  })
  expect(residentDraft('h', { ...fields, idNumber: '110101 19900307 7715' }).id_number).toBe('110101199003077715')
})

it('says where the door is', () => {
  expect(doorOf(household)).toEqual({ place: '亚东花园3幢', door: '1-4-402' })
})

it.each([
  ['13800138000', true],
  ['138 0013 8000', true],
  ['110101199003077715', true],
  ['仙林大道 12 号 402', false],
])('knows that %s is a number of somebody: %s', (text, personal) => {
  expect(looksPersonal(text)).toBe(personal)
})

it('counts the seconds that full values are shown', () => {
  expect(secondsUntil(60_000, 0)).toBe(SHOWN_S)
  expect(secondsUntil(60_000, 59_400)).toBe(1)
  expect(secondsUntil(60_000, 61_000)).toBe(0)
})

it('writes faults so that a spreadsheet reads and calculates nothing', () => {
  const text = csvText([['行', '原因'], ['2', '=1+1'], ['3', 'a,"b"']])
  expect(text.split('\r\n')).toEqual(['\uFEFF行,原因', "2,'=1+1", '3,"a,""b"""', ''])
})

it('never rounds a share up to its goal', () => {
  expect(shareText(0.98499)).toBe('98.4%')
  expect(shareText(0.29)).toBe('29%')
  expect(shareText(null)).toBe('—')
})

it('tells an unchecked household from a right one', () => {
  expect([null, true, false].map((correct) => checkState({ correct }))).toEqual(['open', 'right', 'wrong'])
})
