/** Buildings, addresses and checkpoints, as the server sends them. */

export interface PlacedIn {
  code: string
  name: string
  level: number
  /** Somebody chose it against the position. */
  manual: boolean
}

interface Place {
  id: string
  street: string
  position: [lon: number, lat: number]
  grid: PlacedIn | null
  source: string
  source_datum: string
  retired_on: string | null
  revision: number
  changed_at: string
  changed_by: string
}

export interface Building extends Place {
  code: string | null
  name: string
  kind: string
  compound: string | null
  floors: number | null
  entrances: number | null
  households: number | null
  organisations: number | null
  shops: number | null
}

export interface BuildingDetail extends Building {
  footprint: { type: 'Polygon' | 'MultiPolygon'; coordinates: unknown } | null
}

export interface Checkpoint extends Place {
  code: string | null
  name: string
  kind: string
  building_name: string | null
  floor: string | null
  entrance: string | null
  radius_m: number
  /** Only for those who keep places. */
  short_code: string | null
  generation: number
}

export interface Candidate {
  id: string
  text: string
  position: [lon: number, lat: number]
  grid: PlacedIn | null
  match: string
  score: number
}

export interface Geocoded {
  text: string
  normalised: string
  candidates: Candidate[]
}

export const PLACE_KINDS = ['buildings', 'addresses', 'checkpoints'] as const
export type PlaceKind = (typeof PLACE_KINDS)[number]

export interface PlacesReport {
  file: string
  kind: string
  datum: string
  dry_run: boolean
  total: number
  created: number
  changed: number
  unchanged: number
  unplaced: number
  rejected: { row: number; name: string | null; field: string; reason: string; detail: string }[]
  imported: boolean
  notes: { code: string; zh: string; en: string }[]
}
