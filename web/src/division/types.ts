import type { Feature, FeatureCollection, MultiPolygon, Polygon } from 'geojson'

import type { Bbox, Reason } from '@/shared/api/types'

/** Shapes of the answers about division plans. A grid reference is a grid code, or the change_id of a new grid. */

export type Area = Polygon | MultiPolygon
export type PlanStatus = 'draft' | 'submitted' | 'approved' | 'withdrawn'
export type Action = 'create' | 'change' | 'retire'
export type Ref = string

export interface PlanSummary {
  plan_id: string
  street_code: string
  street_name: string
  title: string
  status: PlanStatus
  valid_from: string
  revision: number
  changed_by: string
  changed_at: string
  counts: Record<Action, number>
}

export interface GridWas {
  name: string
  kind: string
  households: number | null
  area_m2: number | null
  version: number
}

export interface PlannedChange {
  change_id: string
  action: Action
  code: string | null
  grid: Ref
  level: number
  name: string
  kind: string
  households: number | null
  attributes?: Record<string, unknown>
  parent: Ref | null
  area_m2: number | null
  was: GridWas | null
  /** Set when somebody else's approval changed the grid after this plan took it up. */
  outdated: { by: string; at: string } | null
  sources: string[]
}

export interface PlanEvent {
  at: string
  by: string
  event: string
  detail: Record<string, unknown>
}

export interface PlanDetail extends PlanSummary {
  note: string
  street_bbox: Bbox | null
  changes: PlannedChange[]
  events: PlanEvent[]
  may: { edit: boolean; submit: boolean; approve: boolean; withdraw: boolean }
  /** Codes that this very approval gave, by reference. */
  codes?: Record<Ref, string>
}

/** A grid of the street as it will be when the plan is approved. */
export interface PlannedGrid {
  ref: Ref
  code: string | null
  name: string
  level: number
  parent: Ref | null
  kind: string
  households: number | null
  area_m2: number | null
  action: Action | null
}

export type PlannedFeature = Feature<Area | null, PlannedGrid>
export type PlannedWorld = FeatureCollection<Area | null, PlannedGrid>

export type FaultKind = 'gap' | 'overlap' | 'outside' | 'sliver'

export interface FaultFacts {
  kind: FaultKind
  source: FaultKind
  area_m2: number
  width_m: number | null
  grids: { ref: Ref; code: string | null; name: string }[]
  parent: Ref | null
  level: number
  /** Whether it stands against the approval. */
  blocks: boolean
}

export type Fault = Feature<Area, FaultFacts>
export type Faults = FeatureCollection<Area, FaultFacts>
export type FaultTotals = Record<FaultKind, number>

export interface Finding extends Reason {
  grids: Ref[]
}

export interface CheckReport {
  errors: Finding[]
  warnings: Finding[]
  faults: Faults
  totals: FaultTotals
  ready: boolean
}

export interface RepairInput {
  snap_m: number
  gap_m: number
}

export interface RepairReport {
  changed: { grid: Ref; name: string; moved_m2: number }[]
  shapes: FeatureCollection<Area, PlannedGrid>
  /** What remains, by kind. */
  totals: FaultTotals
  faults: Faults
  revision: number
}

export interface Subdivision {
  parts: FeatureCollection<Area, { households: number | null; buildings: number | null }>
  method: string
  balance: number | null
}

export interface Rejection {
  index: number
  code: string | null
  field: string
  reason: string
  detail: string
}

export interface PlanImportReport {
  imported: boolean
  datum: string
  total: number
  created: number
  changed: number
  unchanged: number
  rejected: Rejection[]
  hints: Reason[]
  revision: number
}

export interface NewPlan {
  street_code: string
  title: string
  valid_from: string
  note: string
}
