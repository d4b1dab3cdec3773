import type { Check, Patrol, PersonRef, Reason, Verdict } from '@/shared/api/types'

/** Patrols that wait for a person, appeals, decisions and tracks, as the server sends them. */

export type Ruling = 'accepted' | 'rejected'
export type Computed = 'valid' | 'invalid' | 'pending_review'

/** Another patrol that a doubt names; the figures are there where two tracks were laid over each other. */
export interface OtherPatrol {
  id: string
  ratio?: number
  distance_m?: number
  /** How much later it was walked. */
  shift_s?: number
  minutes?: number
}

export interface JudgedCheck extends Check {
  kind: 'check' | 'doubt' | 'note'
  evidence: Record<string, unknown>
}

export interface ReportedGap {
  reason: 'killed' | 'permission_lost' | 'battery' | 'no_fix' | 'paused'
  from_at: string
  to_at: string
  unknown_s: number
}

export interface JudgedVerdict extends Omit<Verdict, 'results'> {
  computed_status: Computed
  decision: Ruling | null
  results: JudgedCheck[]
  checkpoints_visited: number
  checkpoints_total: number
  unknown_s: number
  gaps?: ReportedGap[]
}

export interface JudgedPatrol extends Omit<Patrol, 'verdict'> {
  source: string
  verdict: JudgedVerdict | null
}

export interface Decided {
  decision: Ruling
  note: string
  by: PersonRef
  at: string
  /** What had been computed then; null where no patrol was recorded. */
  computed_status: Computed | null
  results: JudgedCheck[]
  appeal_id: string | null
}

export interface Review {
  patrol: JudgedPatrol
  doubts: JudgedCheck[]
  decided: Decided | null
  /** Judged otherwise since the decision, which still holds. */
  changed_since: boolean
  open_appeal_id: string | null
}

export interface Appeal {
  id: string
  kind: 'recorded' | 'unrecorded'
  state: 'open' | 'accepted' | 'rejected' | 'withdrawn'
  told: Reason
  patrol_id: string | null
  grid_code: string
  grid_name: string
  person: PersonRef
  week: string
  started_at: string
  finished_at: string | null
  note: string
  photos: string[]
  /** Photos are named at once and sent when the network allows. */
  photos_expected: number
  photos_arrived: number
  photos_missing: string[]
  received_at: string
  decision: { decision: Ruling; note: string; by: PersonRef; at: string } | null
  may_decide: boolean
  patrol: JudgedPatrol | null
}

export type Position = [lon: number, lat: number]

export interface TrackFeature {
  type: 'Feature'
  geometry: { type: 'LineString'; coordinates: Position[] } | { type: 'Point'; coordinates: Position } | null
  properties: {
    kind: 'walked' | 'path' | 'gap' | 'ride' | 'check_in'
    cause?: string
    name?: string
    at?: string
    from_at?: string
    to_at?: string
    zh?: string
    en?: string
  }
}

export interface TrackDocument {
  type: 'FeatureCollection'
  patrol_id: string
  features: TrackFeature[]
}

