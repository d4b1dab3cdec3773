import type { Me } from './api/types'

const DESK_ROLES = ['operator', 'leader', 'unit', 'admin', 'auditor', 'head']

/** Whether somebody has a map to watch; a plain member starts at the own week. */
export function worksAtDesk(person: Pick<Me, 'roles'>): boolean {
  return person.roles.some((role) => DESK_ROLES.includes(role))
}

export function homePath(person: Pick<Me, 'roles'>): '/map' | '/my' {
  return worksAtDesk(person) ? '/map' : '/my'
}

/** Whether the person patrols an own grid and so has a week to look at. */
export function hasOwnGrids(person: Pick<Me, 'assignments'>): boolean {
  return person.assignments.some((assignment) => assignment.grid_code !== null)
}

/** Whether the person draws the division of a street or approves it. */
export function seesPlans(person: Pick<Me, 'actions'>): boolean {
  return person.actions.includes('plan_division') || person.actions.includes('approve_division')
}

/** A path inside this application from a `next` parameter, or null: never another host. */
export function safeNext(next: unknown): string | null {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) && !next.startsWith('/login') ? next : null
}
