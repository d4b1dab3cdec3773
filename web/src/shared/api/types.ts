/** Shapes of the HTTP answers this front end reads. */

export type Bbox = [west: number, south: number, east: number, north: number]
export type GridStatus = 'met' | 'partial' | 'none' | 'unassigned'
export type WeekState = 'running' | 'grace' | 'closed'
export type PatrolState = 'open' | 'judging' | 'judged'
export type PatrolStatus = PatrolState | 'valid' | 'invalid' | 'pending_review' | 'accepted_by_supervisor'

export interface Page<Item> {
  items: Item[]
  next: string | null
}

export interface Assignment {
  role: string
  grid_code: string | null
  grid_name: string | null
  street_code: string | null
  street_name: string | null
  valid_from: string
  valid_to: string | null
}

export interface Me {
  person_id: string
  name: string
  username: string
  roles: string[]
  assignments: Assignment[]
  bbox: Bbox | null
  actions: string[]
}

export interface GridSummary {
  code: string
  name: string
  level: number
  kind: string
  parent: string | null
  households: number | null
  area_m2: number | null
  /** A point inside; null only while a floor's own grid has none. */
  centre: [lon: number, lat: number] | null
}

export interface GridRef {
  code: string
  name: string
  level: number
}

export interface ResponsiblePerson {
  name: string
  role: string
  since: string
}

export interface Geometry {
  type: string
  coordinates: unknown
}

export interface GridDetail extends GridSummary {
  geometry: Geometry | null
  path: GridRef[]
  people: ResponsiblePerson[]
  version: number
  valid_from: string
}

export interface GridPeriod {
  version: number
  name: string
  kind: string
  households: number | null
  area_m2: number | null
  valid_from: string
  /** The first day on which it no longer holds. */
  valid_to: string | null
  changed_at: string
  /** Null for those who may not read people. */
  changed_by: string | null
  plan_id: string | null
}

export interface Succession {
  code: string
  name: string
  since: string
}

export interface GridHistory {
  code: string
  retired_on: string | null
  items: GridPeriod[]
  successions: { predecessors: Succession[]; successors: Succession[] }
}

export interface CodeGroup {
  name: string
  digits: string
  meaning: string | null
  valid: boolean
  reason: string | null
}

export interface GridCodeReading {
  code: string
  valid: boolean
  groups: CodeGroup[]
}

/** A reason in both languages of the product. */
export interface Reason {
  code: string
  zh: string
  en: string
}

export interface Check extends Reason {
  check: string
  measured: number | string | null
  required: number | string | null
  unit: string | null
  passed: boolean
}

export interface Verdict {
  status: Exclude<PatrolStatus, PatrolState>
  policy_version: number | string
  results: Check[]
  in_grid_s: number
  observed_s: number
  length_m: number
  coverage_ratio: number
  counted: boolean | null
  not_counted_reason: Reason | null
  flags?: Record<string, number>
}

export interface PersonRef {
  id: string
  name: string
}

export interface Patrol {
  id: string
  grid_code: string
  grid_name: string
  person: PersonRef
  started_at: string
  finished_at: string | null
  state: PatrolState
  segments: number
  fixes: number
  verdict: Verdict | null
}

export interface PatrolMark {
  id: string
  started_at: string
  status: PatrolStatus
  counted: boolean | null
  reason: Reason | null
}

export interface PairWeek {
  grid_code: string
  grid_name: string
  level: number
  person: PersonRef
  required: number
  counted: number
  valid: number
  invalid: number
  pending: number
  met: boolean
  status: Exclude<GridStatus, 'unassigned'>
  patrols: PatrolMark[]
}

export interface WeekInfo {
  iso: string
  starts_on: string
  ends_on: string
  state: WeekState
}

export interface Totals {
  pairs_due: number
  pairs_met: number
  patrols_counted: number
  patrols_needed: number
}

export interface Compliance extends Page<PairWeek> {
  week: WeekInfo
  totals: Totals
}

export interface TileDocument {
  tiles: string[]
  minzoom: number
  maxzoom: number
  bounds?: Bbox
}
