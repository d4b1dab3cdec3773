/** Teams, staffing and absences, as the server sends them. */

import type { Page, PersonRef } from '@/shared/api/types'

/** A word with its names for people. */
export interface Label {
  code: string
  zh: string
  en: string
}

export interface Member {
  assignment_id: string
  person: PersonRef
  affiliation: Label | null
  role: string
  position: Label | null
  valid_from: string
  valid_to: string | null
  away: { substitute: PersonRef; valid_to: string | null } | null
}

export interface Team {
  grid_code: string
  grid_name: string
  level: number
  on: string
  /** The assignment that answers for the grid. */
  lead: string | null
  members: Member[]
}

export interface GridStaffing {
  grid_code: string
  grid_name: string
  level: number
  clause: string
  passed: boolean
  required: { requirement: Label; person: PersonRef | null; position: Label | null }[]
  missing: Label[]
  zh: string
  en: string
}

export interface StaffShare {
  clause: string
  in_grids: number
  staff: number
  share: number | null
  required: number
  passed: boolean | null
}

export interface Staffing extends Page<GridStaffing> {
  street_code: string
  on: string
  totals: { level: number; clause: string; grids: number; passed: number }[]
  shares: StaffShare[]
  unknown: number
}

export interface FoundPerson {
  id: string
  name: string
  affiliation: Label | null
  has_account: boolean
  grid_codes: string[]
}

export const TEAM_ROLES = ['member', 'head', 'team'] as const

export const POSITIONS = [
  'street_leader',
  'section_head',
  'street_staff',
  'community_secretary',
  'community_committee',
  'community_staff',
  'building_head',
  'village_group_head',
  'unit_head',
  'property_staff',
  'other',
] as const

export interface NewMember {
  person_id: string
  grid_code: string
  role: (typeof TEAM_ROLES)[number]
  position: string | null
  valid_from: string
  valid_to: string | null
}

export const ABSENCE_REASONS = ['leave', 'sick', 'training', 'business', 'other'] as const

export interface NewAbsence {
  person_id: string
  substitute_id: string
  valid_from: string
  /** The first day back. */
  valid_to: string | null
  reason: (typeof ABSENCE_REASONS)[number]
  note: string
}

export interface Absence {
  id: string
  person: PersonRef
  substitute: PersonRef
  valid_from: string
  valid_to: string | null
  cancelled_on: string | null
  /** Null for everybody but the person and those who manage the team. */
  reason: string | null
  note: string | null
}
