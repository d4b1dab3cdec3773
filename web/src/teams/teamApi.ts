import { get, getAll, write, type Call } from '@/shared/api/client'

import type { Absence, FoundPerson, NewAbsence, NewMember, Staffing, Team } from './types'

const PAGE = 200
const MAX_GRIDS = 5000
const MAX_ABSENCES = 1000

/** The whole street, all its pages. */
export async function fetchStaffing(street: string, on: string, call: Call = {}): Promise<Staffing> {
  const ask = (after: string | null): Promise<Staffing> =>
    get('/v1/staffing', { ...call, query: { street, on, limit: PAGE, after } })
  const whole = await ask(null)
  const items = [...whole.items]
  let { next } = whole
  while (next !== null && items.length < MAX_GRIDS) {
    const page = await ask(next)
    items.push(...page.items)
    next = page.next
  }
  return { ...whole, items, next: null }
}

export const fetchTeam = (grid: string, on: string, call: Call = {}): Promise<Team> =>
  get('/v1/teams', { ...call, query: { grid, on } })

export const findPeople = (text: string, call: Call = {}): Promise<FoundPerson[]> =>
  get<{ items: FoundPerson[] }>('/v1/people', { ...call, query: { text, limit: 30 } }).then(({ items }) => items)

export const addMember = (assignmentId: string, member: NewMember): Promise<unknown> =>
  write('PUT', `/v1/assignments/${assignmentId}`, { body: member })

export const endMember = (assignmentId: string, on: string): Promise<unknown> =>
  write('POST', `/v1/assignments/${assignmentId}/end`, { body: { on } })

export const fetchAbsences = (street: string, call: Call = {}): Promise<Absence[]> =>
  getAll('/v1/absences', MAX_ABSENCES, { ...call, query: { street, limit: PAGE } })

export const enterAbsence = (absenceId: string, absence: NewAbsence): Promise<unknown> =>
  write('PUT', `/v1/absences/${absenceId}`, { body: absence })

export const cancelAbsence = (absenceId: string): Promise<unknown> =>
  write('POST', `/v1/absences/${absenceId}/cancel`, { body: {} })
