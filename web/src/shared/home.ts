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

export interface DeskLink {
  /** Of the route, to tell which page is open. */
  name: string
  path: string
  /** Key of its words. */
  title: string
}

/** The pages of the desk that somebody has something to see on, in the order of the menu. */
export function deskLinks(person: Pick<Me, 'roles' | 'actions'>): DeskLink[] {
  if (!worksAtDesk(person)) return []
  const may = (action: string): boolean => person.actions.includes(action)
  const pages = [
    { name: 'map', isOpen: true },
    { name: 'review', isOpen: may('decide_patrols') },
    { name: 'duties', isOpen: may('read_compliance') },
    { name: 'households', isOpen: may('read_households') },
    { name: 'division', isOpen: seesPlans(person) },
    { name: 'analysis', isOpen: may('read_places') },
    { name: 'teams', isOpen: may('read_people') },
    { name: 'places', isOpen: may('read_places') },
  ]
  return pages.filter((page) => page.isOpen).map(({ name }) => ({ name, path: `/${name}`, title: `${name}.title` }))
}

/** A path inside this application from a `next` parameter, or null: never another host. */
export function safeNext(next: unknown): string | null {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) && !next.startsWith('/login') ? next : null
}
