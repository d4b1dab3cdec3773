import { expect, it } from 'vitest'

import type { Assignment } from '@/shared/api/types'

import { streetCodeOf, streetsOf } from './streets'

const assigned = (code: string | null, name: string | null): Assignment => ({
  role: 'operator',
  grid_code: null,
  grid_name: null,
  street_code: code,
  street_name: name,
  valid_from: '2026-01-01',
  valid_to: null,
})

it('reads the street out of a grid code', () => {
  expect(streetCodeOf('99000032011300700105')).toBe('320113007')
})

it('lists each street once, by name where an assignment tells it', () => {
  const grids = [{ code: '99000032011300700100' }, { code: '99000032011300800100' }, { code: '99000032011300800200' }]
  expect(streetsOf([assigned('320113007', '仙林街道'), assigned(null, null)], grids)).toEqual([
    { code: '320113007', name: '仙林街道' },
    { code: '320113008', name: '320113008' },
  ])
})
