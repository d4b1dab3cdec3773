import { get, queryText, write, type Call, type Query } from '@/shared/api/client'
import type { Page, PersonRef, Reason } from '@/shared/api/types'

import type { Answers } from './schema'

/** What the pages of visits read and send. */

export type Outcome = 'met' | 'not_home' | 'refused' | 'moved_away' | 'by_phone'
export type DueState = 'special_due' | 'follow_up' | 'special_attempted' | 'due' | 'attempted' | 'done'
export type Theme = 'routine' | 'employment' | 'hardship' | 'needs' | 'safety'

export const OUTCOMES: readonly Outcome[] = ['met', 'not_home', 'refused', 'moved_away', 'by_phone']
export const THEMES: readonly Theme[] = ['routine', 'employment', 'hardship', 'needs', 'safety']

export interface Door {
  household_id: string
  address: string | null
  building_id: string | null
  building: string | null
  entrance: string | null
  floor: string | null
  room: string | null
  position: [number, number]
  names: string[]
  residents: number
}

export interface Due {
  household: Door
  state: DueState
  special: boolean
  reason: Reason
  come: Reason | null
  due_by: string | null
  last_counted_on: string | null
  last_outcome: Outcome | 'withdrawn' | null
  attempt_days: number
  attempts_today: number
  follow_up_on: string | null
  distance_m: number | null
}

export interface DuePage extends Page<Due> {
  on: string
  counts: Record<DueState, number>
}

export interface RoundStop {
  position: [number, number]
  leg_m: number
  households: Due[]
}

export interface Round {
  length_m: number
  households: number
  stops: RoundStop[]
}

export interface Tag {
  tag: string
  zh: string
  en: string
  special: boolean
  restricted: boolean
  resident: string | null
}

export interface Household {
  id: string
  code: string | null
  address_text: string | null
  building_name: string | null
  entrance: string | null
  floor: string | null
  room: string | null
  kind: string
  grid: { code: string; name: string } | null
  special: boolean
  tags: Tag[]
}

export interface Resident {
  id: string
  name: string
  relation: string | null
  sex: string | null
  birth_year: number | null
  phone: string | null
  erased: boolean
}

export interface HouseholdDetail {
  household: Household
  residents: Resident[]
}

export interface Visit {
  id: string
  household: Door
  person: PersonRef
  at: string
  outcome: Outcome | 'withdrawn'
  theme: Theme
  form: { code: string; version: number; zh: string; en: string } | null
  counted: boolean
  not_counted_reason: Reason | null
  revision: number
}

export interface Need {
  id: string
  kind_zh: string
  kind_en: string
  detail: string
  urgency_zh: string
  urgency_en: string
  status: 'open' | 'handed' | 'withdrawn'
}

export interface VisitDetail extends Visit {
  answers: Answers
  note: string
  follow_up_on: string | null
  needs: Need[]
  evidence: { distance_m: number | null; accuracy_m: number | null; checkpoint: string | null }
  versions: { id: string; made_at: string; reason: string; outcome: Outcome | 'withdrawn' }[]
  /** Until when whoever made it may say it otherwise. */
  correctable_until: string
}

export interface VisitForm {
  code: string
  version: number
  zh: string
  en: string
  theme: Theme
  definition: Record<string, unknown>
}

export interface VisitBody {
  household_id: string
  at: string
  outcome: Outcome
  theme: Theme
  form?: { code: string; version: number }
  answers?: Answers
  note: string
  position?: { lon: number; lat: number; accuracy_m: number; datum: string }
}

export interface CorrectionBody {
  visit_id: string
  made_at: string
  reason: string
  outcome: Outcome | 'withdrawn'
  theme: Theme
  form?: { code: string; version: number }
  answers?: Answers
  note: string
}

export const REVEAL_REASONS = ['visit', 'verification', 'service', 'emergency', 'correction', 'other'] as const
export type RevealReason = (typeof REVEAL_REASONS)[number]

/** Where the browser says it is; WGS 84. */
export interface Here {
  lon: number
  lat: number
  accuracy_m: number
}

export const WGS84 = 'EPSG:4326'

export const nearQuery = (here: Here | null): Query =>
  here ? { near: `${here.lon},${here.lat}`, datum: WGS84 } : {}

/** `states` may be several; the address takes each by itself. */
export function fetchDueHouseholds(query: Query, states: readonly DueState[], call: Call = {}): Promise<DuePage> {
  const named = states.map((state) => `&state=${state}`).join('')
  return get(`/v1/visits/due${queryText({ limit: 50, ...query })}${named}`, call)
}

export const fetchRound = (query: Query, call: Call = {}): Promise<Round> => get('/v1/visits/route', { ...call, query })

export const fetchHousehold = (id: string, call: Call = {}): Promise<HouseholdDetail> =>
  get(`/v1/households/${encodeURIComponent(id)}`, call)

export const fetchVisits = (query: Query, call: Call = {}): Promise<Page<Visit>> => get('/v1/visits', { ...call, query })

export const fetchVisit = (id: string, call: Call = {}): Promise<VisitDetail> => get(`/v1/visits/${id}`, call)

/** The forms of a day; of today when none is given. */
export const fetchForms = async (call: Call = {}, on: string | null = null): Promise<VisitForm[]> =>
  (await get<{ items: VisitForm[] }>('/v1/visit-forms', { ...call, query: { on } })).items

export async function putVisit(id: string, body: VisitBody): Promise<Visit> {
  return (await write<Visit>('PUT', `/v1/visits/${id}`, { body })).body
}

/** Says an own visit otherwise; the id of the correction is in its body. */
export async function putCorrection(id: string, { visit_id: visit, ...said }: CorrectionBody): Promise<Visit> {
  return (await write<Visit>('POST', `/v1/visits/${visit}/corrections`, { body: { id, ...said } })).body
}

export async function revealPhone(resident: string, reason: RevealReason, note: string): Promise<string | null> {
  const path = `/v1/residents/${encodeURIComponent(resident)}/reveal`
  const { body } = await write<{ values: { phone?: string | null } }>('POST', path, {
    body: { fields: ['phone'], reason, note },
  })
  return body.values.phone ?? null
}
