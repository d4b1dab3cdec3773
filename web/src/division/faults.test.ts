import { expect, it } from 'vitest'

import { countFaults, faultRows, repairBalance } from './faults'
import type { Fault, FaultKind, Faults } from './types'

function fault(kind: FaultKind, area: number): Fault {
  const grids = [
    { ref: 'a', code: 'a', name: '甲' },
    { ref: 'b', code: null, name: '乙' },
  ]
  return {
    type: 'Feature',
    geometry: { type: 'Polygon', coordinates: [] },
    properties: { kind, source: kind, area_m2: area, width_m: 1, grids, parent: null, level: 3, blocks: kind !== 'gap' },
  }
}
const faults: Faults = {
  type: 'FeatureCollection',
  features: [fault('sliver', 3), fault('gap', 40), fault('overlap', 2), fault('gap', 90)],
}

it('lists faults by kind, the largest first, and keeps their places on the map', () => {
  expect(faultRows(faults).map(({ index }) => index)).toEqual([2, 3, 1, 0])
  expect(faultRows(faults)[0]).toMatchObject({ names: ['甲', '乙'], areaM2: 2, blocks: true })
})

it('counts faults, kinds that the server leaves out among them', () => {
  expect(countFaults({ gap: 2, overlap: 1, outside: 0, sliver: 1 })).toBe(4)
  expect(countFaults({})).toBe(0)
})

it('sets what a repair leaves beside what there is', () => {
  const before = { gap: 2, overlap: 1, outside: 0, sliver: 1 }
  const after = { gap: 0, overlap: 1, outside: 0, sliver: 0 }
  expect(repairBalance(before, after)).toEqual([
    { kind: 'overlap', before: 1, after: 1 },
    { kind: 'gap', before: 2, after: 0 },
    { kind: 'sliver', before: 1, after: 0 },
  ])
})
