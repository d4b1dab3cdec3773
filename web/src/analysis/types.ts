/** Reports on a division, as the server sends them. */

import type { Page, Reason } from '@/shared/api/types'

export interface Objects {
  buildings: number
  buildings_without_households: number
  households: number
  entrances: number
  organisations: number
  shops: number
  compounds: number
}

/** How many households a grid should have; the ends allow for the tolerance. */
export interface Norm {
  zh: string
  en: string
  least: number
  aim: number
  most: number
}

export interface BalanceRow {
  code: string
  name: string
  kind: string
  level: number
  is_scattered: boolean
  area_m2: number | null
  households: number
  households_declared: number | null
  objects: Objects
  population: number
  population_is_estimated: boolean
  difficulty: number
  staff: number
  households_per_staff: number | null
  /** Share of the staff by share of the difficulty: 1 is fair. */
  staffing_ratio: number | null
  norm: Norm | null
  findings: Reason[]
}

export interface Factor {
  name: string
  weight: number
  zh: string
  en: string
}

export interface Balance extends Page<BalanceRow> {
  street_code: string
  street_name: string
  level: number
  on: string
  formula: {
    norms_version: string
    difficulty_version: string
    factors: Factor[]
    most_of_one_factor: number
    persons_per_household: number
  }
  totals: { grids: number; area_m2: number; households: number; objects: Objects; population: number; staff: number }
  medians: Record<'area_m2' | 'households' | 'difficulty' | 'staff' | 'households_per_staff', number | null>
}

export const COVERED = ['area', 'buildings', 'households', 'entrances', 'organisations', 'shops'] as const
export type Covered = (typeof COVERED)[number]

export interface LevelCoverage {
  level: number
  grids: number
  area_m2: number
  objects: Objects
  shares: Record<Covered, number | null>
}

export interface Coverage {
  street_code: string
  street_name: string
  on: string
  /** What area is measured against. */
  ground: 'outline' | 'level-1'
  ground_m2: number
  objects: Objects
  levels: LevelCoverage[]
}

export interface Orphan {
  building_id: string
  name: string
  compound: string | null
  position: [lon: number, lat: number]
  households: number | null
  grid_code: string | null
  grid_name: string | null
  reason: Reason
}
