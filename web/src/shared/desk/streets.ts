import type { Assignment, GridSummary } from '@/shared/api/types'

export interface Street {
  code: string
  name: string
}

/** The nine digits of the street inside a grid code. */
export function streetCodeOf(gridCode: string): string {
  return gridCode.slice(6, 15)
}

/** The streets somebody sees something of: those of the own assignments by name, then those that only grids tell. */
export function streetsOf(assignments: readonly Assignment[], grids: readonly Pick<GridSummary, 'code'>[]): Street[] {
  const known = new Map<string, string>()
  for (const { street_code: code, street_name: name } of assignments) if (code) known.set(code, name ?? code)
  for (const { code } of grids) {
    const street = streetCodeOf(code)
    if (street.length === 9 && !known.has(street)) known.set(street, street)
  }
  return [...known].map(([code, name]) => ({ code, name }))
}
