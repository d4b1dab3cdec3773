import { describe, expect, it } from 'vitest'

import { deskLinks, homePath, safeNext } from './home'

describe('where people start', () => {
  it('sends members to their week and everyone else to the map', () => {
    expect(homePath({ roles: ['member'] })).toBe('/my')
    expect(homePath({ roles: ['member', 'head'] })).toBe('/map')
    expect(homePath({ roles: ['operator'] })).toBe('/map')
  })

  it('follows only paths of this application after signing in', () => {
    expect(safeNext('/map?week=2026-W47')).toBe('/map?week=2026-W47')
    for (const elsewhere of [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example',
      '/login?next=/map',
      null,
      ['/map'],
    ])
      expect(safeNext(elsewhere)).toBeNull()
  })

  it('offers the pages of the desk that one has something to see on', () => {
    const names = (roles: string[], actions: string[]): string[] => deskLinks({ roles, actions }).map(({ name }) => name)
    expect(names(['operator'], ['read_grids', 'read_places', 'read_people', 'plan_division'])).toEqual([
      'map',
      'division',
      'analysis',
      'teams',
      'places',
    ])
    expect(names(['unit'], ['read_grids'])).toEqual(['map'])
    const leader = ['read_grids', 'read_compliance', 'decide_patrols']
    expect(names(['leader'], leader)).toEqual(['map', 'review', 'duties'])
    expect(names(['operator'], ['read_households'])).toEqual(['map', 'households'])
    expect(names(['member'], ['read_grids', 'read_places', 'read_people'])).toEqual([])
  })
})
