import { describe, expect, it } from 'vitest'

import { byNearness, doorWords, figuresOf, isWanted } from './due'
import type { Due } from './visitApi'

const due = (room: string, more: Partial<Due> = {}): Due => ({
  household: {
    household_id: room,
    address: '仙林大道 8 号',
    building_id: 'b',
    building: '文苑小区 3 栋',
    entrance: '2',
    floor: '4',
    room,
    position: [118.9, 32.1],
    names: ['王*'],
    residents: 2,
  },
  state: 'due',
  special: false,
  reason: { code: '', zh: '', en: '' },
  come: null,
  due_by: null,
  last_counted_on: null,
  last_outcome: null,
  attempt_days: 0,
  attempts_today: 0,
  follow_up_on: null,
  distance_m: null,
  ...more,
})

describe('the list of households', () => {
  it('is searched by building, door and masked name', () => {
    expect(isWanted(due('401'), 'all', ' 3 栋  401 ')).toBe(true)
    expect(isWanted(due('401'), 'all', '王')).toBe(true)
    expect(isWanted(due('401'), 'all', '402')).toBe(false)
  })

  it('shows only special households where these are asked for, whatever else they are', () => {
    expect(isWanted(due('401', { state: 'follow_up' }), 'special', '')).toBe(false)
    expect(isWanted(due('401', { state: 'follow_up', special: true }), 'special', '')).toBe(true)
  })

  it('goes by nearness where that is known and keeps its order otherwise', () => {
    const rooms = (items: Due[]): (string | null)[] => items.map(({ household }) => household.room)
    expect(rooms(byNearness([due('1', { distance_m: 90 }), due('2'), due('3', { distance_m: 20 })]))).toEqual(['3', '1', '2'])
    expect(rooms(byNearness([due('1'), due('2')]))).toEqual(['1', '2'])
  })

  it('adds up what is left', () => {
    const counts = { special_due: 2, follow_up: 1, special_attempted: 1, due: 10, attempted: 3, done: 40 }
    expect(figuresOf(counts)).toEqual({ left: 17, special: 3, followUp: 1, attempted: 4 })
  })

  it('names a door as far as it is known', () => {
    const t = (key: string, { n }: { n: string }): string => `${key.split('.')[1]} ${n}`
    expect(doorWords(due('401').household, t)).toEqual({ place: '文苑小区 3 栋', door: 'entrance 2 room 401' })
    expect(doorWords({ ...due('').household, building: null, room: null, entrance: null }, t)).toEqual({
      place: '仙林大道 8 号',
      door: 'floor 4',
    })
  })
})
