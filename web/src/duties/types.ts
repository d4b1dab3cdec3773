import type { GridRef, PersonRef, WeekState } from '@/shared/api/types'
import type { PeriodKind } from '@/shared/format/period'
import type { Tone } from '@/shared/patrol/status'

/** Duties and sums of compliance, as the server sends them. */

export interface Sentence {
  zh: string
  en: string
}

export interface Duty extends Sentence {
  code: string
  subject: 'pair' | 'household' | 'grid' | 'community'
  clause: string
}

export interface Period {
  iso: string
  kind: PeriodKind
  starts_on: string
  ends_on: string
}

export const DUTY_STATUSES = ['met', 'on_track', 'at_risk', 'will_miss', 'missed', 'exempt'] as const
export type DutyStatus = (typeof DUTY_STATUSES)[number]

export interface SubjectShare {
  subjects: number
  met: number
  required: number
  credited: number
}

export interface DutyItem {
  duty: Duty
  period: Period
  grid: GridRef
  person: PersonRef | null
  substitutes: PersonRef[]
  required: number
  done: number
  credited: number
  status: DutyStatus
  total: number
  left_out: number
  standing: SubjectShare
  arrived: SubjectShare
  forecast: {
    left: number
    still_possible: boolean
    per_day_needed: number | null
    per_day_possible: number | null
  }
  exempted: {
    required: number
    status: DutyStatus
    holiday_days: number
    not_assigned_days: number
    explained: Sentence
  }
  credits: { person: PersonRef; own: number; as_substitute: number; otherwise: number }[]
  explained: Sentence
}

export interface DutyTotal {
  duty: Duty
  period: Period
  items: number
  by_status: Partial<Record<DutyStatus, number>>
  required: number
  credited: number
  exempted_required: number
}

export interface Duties {
  as_of: string
  totals: DutyTotal[]
  items: DutyItem[]
  next: string | null
}

export interface DueItem {
  duty: Duty
  period: Period
  grid: GridRef
  person: PersonRef | null
  household: {
    id: string
    compound: string | null
    building: string | null
    address: string | null
    entrance: string | null
    floor: string | null
    room: string | null
  } | null
  arrival: string | null
  required: number
  done: number
  last_on: string | null
  next_by: string
  status: DutyStatus
}

export interface Sums {
  pairs_due: number
  pairs_met: number
  patrols_counted: number
  patrols_needed: number
  exempted_pairs_met: number
  exempted_patrols_needed: number
}

export type WeekSums = Pick<Sums, 'pairs_due' | 'pairs_met' | 'patrols_counted' | 'patrols_needed'> & { iso: string }

export interface Line {
  code: string
  name: string
  level: number | null
  person: PersonRef | null
  status: Tone
  totals: Sums
  weeks: WeekSums[]
}

export const ADDED_UP_BY = ['member', 'grid', 'community', 'street'] as const
export type AddedUpBy = (typeof ADDED_UP_BY)[number]

export interface Compliance {
  period: Period
  weeks: { iso: string; state: WeekState }[]
  weeks_to_come: number
  grid: GridRef | null
  by: AddedUpBy
  totals: Sums
  explained: Sentence
  items: Line[]
  next: string | null
}

/** What a duty asks for in a part of the tree from a day on. */
export interface DutyRule extends Sentence {
  id: number
  code: string
  clause: string
  period: PeriodKind
  street_code: string | null
  grid_code: string | null
  /** Of grids; empty for any. */
  kind: string
  count: number
  is_on: boolean
  valid_from: string
  valid_to: string | null
  measured_from: string
  has_begun: boolean
  may_delete: boolean
  made_by: string | null
}
