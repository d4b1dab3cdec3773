import { describe, expect, it } from 'vitest'

import { homePath, safeNext } from './home'

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
})
