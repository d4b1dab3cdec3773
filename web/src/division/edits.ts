import type { Edit } from './planApi'
import type { Drawn } from './map/useSketch'
import type { Ref } from './types'

/** What each tool sends to the server. */

export interface GridFacts {
  name: string
  kind: string
  households: number | null
}

export interface NewGridFacts extends GridFacts {
  level: number
  parent: string
}

/** The request for what was drawn over a grid, or null while nothing is drawn. */
export function sketchEdit(grid: Ref, drawn: Drawn | null, keep: number | null): Edit | null {
  switch (drawn?.sketch) {
    case 'line':
      return { path: ['split'], body: { grid, line: drawn.line } }
    case 'areas':
      return { path: ['split'], body: { grid, parts: drawn.areas, ...(keep === null ? {} : { keep }) } }
    case 'boundary':
      return { path: ['boundary'], body: { grid, geometry: drawn.boundary } }
    default:
      return null
  }
}

export function mergeEdit(grids: readonly Ref[], name: string, keep: Ref | null): Edit {
  const named = name.trim() ? { name: name.trim() } : {}
  return { path: ['merge'], body: { grids, ...named, ...(keep ? { keep } : {}) } }
}

export function retireEdit(grid: Ref, into: Ref | null): Edit {
  return { path: ['retire'], body: { grid, ...(into ? { into } : {}) } }
}

export function drawEdit(drawn: Drawn | null, facts: NewGridFacts): Edit | null {
  if (drawn?.sketch !== 'area' || !facts.name.trim() || !facts.parent) return null
  const { households, ...rest } = facts
  const counted = households === null ? {} : { households }
  return { path: ['grids'], body: { ...rest, name: facts.name.trim(), ...counted, geometry: drawn.area } }
}

/** Only what differs is said; null when nothing does. */
export function factsEdit(grid: Ref, before: GridFacts, after: GridFacts): Edit | null {
  const body: Partial<GridFacts> = {}
  if (after.name.trim() && after.name.trim() !== before.name) body.name = after.name.trim()
  if (after.kind !== before.kind) body.kind = after.kind
  if (after.households !== before.households) body.households = after.households
  return Object.keys(body).length ? { method: 'PATCH', path: ['grids', grid], body } : null
}

export function subdivideEdit(grid: Ref, households: number): Edit {
  return { path: ['subdivide'], body: { grid, households } }
}

export function undoEdit(changeId: string): Edit {
  return { method: 'DELETE', path: ['changes', changeId] }
}
