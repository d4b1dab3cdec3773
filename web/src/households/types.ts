import type { PlacedIn } from '@/places/types'

/** Households and those who live there, as the server sends them: masked. */

export const HOUSEHOLD_KINDS = ['registered', 'floating', 'collective', 'vacant'] as const
export const RELATIONS = [
  'head',
  'spouse',
  'son',
  'daughter',
  'grandchild',
  'parent',
  'grandparent',
  'sibling',
  'other',
  'none',
] as const
export const RESIDENCES = ['registered', 'floating', 'other'] as const
export const REVEALED = ['name', 'id_number', 'phone', 'born_on'] as const
export const REVEAL_REASONS = ['visit', 'verification', 'service', 'emergency', 'correction', 'other'] as const

export type Revealed = (typeof REVEALED)[number]
export type RevealReason = (typeof REVEAL_REASONS)[number]

export interface Tag {
  tag: string
  zh: string
  en: string
  special: boolean
  restricted: boolean
  resident: string | null
  valid_from: string
  valid_to: string | null
}

export interface TagKind {
  code: string
  zh: string
  en: string
  special: boolean
  restricted: boolean
  clause: string
}

export interface Household {
  id: string
  street: string
  code: string | null
  address: string | null
  address_text: string | null
  building: string | null
  building_name: string | null
  entrance: string | null
  floor: string | null
  room: string | null
  kind: (typeof HOUSEHOLD_KINDS)[number]
  position: [lon: number, lat: number]
  grid: PlacedIn | null
  special: boolean
  tags: Tag[]
  residents: number
  source: string
  source_datum: string
  confirmed_at: string | null
  retired_on: string | null
  revision: number
  changed_at: string
  changed_by: string
}

export interface Resident {
  id: string
  household: string
  name: string
  relation: (typeof RELATIONS)[number] | null
  sex: 'male' | 'female' | null
  birth_year: number | null
  residence: (typeof RESIDENCES)[number]
  id_number: string | null
  phone: string | null
  joined_on: string | null
  left_on: string | null
  erased: boolean
  revision: number
}

export interface HouseholdDetail {
  household: Household
  residents: Resident[]
}

export interface RegistryChange {
  number: number
  at: string
  kind: 'household' | 'resident' | 'tags'
  event: string
  household: string
  resident: string | null
  fields: { field: string; before: unknown; after: unknown }[]
  changed_by: string
}

export interface ListedVisit {
  id: string
  person: { id: string; name: string }
  at: string
  outcome: 'met' | 'not_home' | 'refused' | 'moved_away' | 'by_phone' | 'withdrawn'
  theme: string
  counted: boolean
  not_counted_reason: { code: string; zh: string; en: string } | null
}

export type FullValues = Partial<Record<Revealed, string | null>>

interface Sentence {
  code: string
  zh: string
  en: string
}

interface ImportCounts {
  created: number
  changed: number
  unchanged: number
}

export interface ResidentsReport {
  file: string
  dry_run: boolean
  total: number
  households: ImportCounts
  residents: ImportCounts
  tags: number
  /** The first thousand of them. */
  rejected: (Sentence & { row: number; name: string | null; field: string })[]
  rejected_rows: number
  imported: boolean
  notes: Sentence[]
}

export interface Accuracy {
  goal: number
  drawn: number
  checked: number
  right: number
  share: number | null
  low: number | null
  high: number | null
  notes: Sentence[]
}

export interface Quality {
  on: string
  collection: {
    rate: number | null
    goal: number
    collected: number
    stored: number
    expected: number
    confirmed_since: string
    notes: Sentence[]
  }
  accuracy: Accuracy | null
  sample: string | null
}

export const WRONG_FIELDS = [
  'address',
  'room',
  'kind',
  'residents_missing',
  'residents_left',
  'name',
  'relation',
  'id_number',
  'phone',
  'sex',
  'born_on',
  'residence',
  'tags',
  'joined_on',
] as const

export interface Drawn {
  id: string
  place: number
  address: string | null
  building: string | null
  entrance: string | null
  floor: string | null
  room: string | null
  grid: PlacedIn | null
  changed: boolean
  correct: boolean | null
  wrong_fields: string[]
  checked_at: string | null
}

export interface SampleDetail {
  id: string
  day: string
  size: number
  frame: number
  drawn_at: string
  accuracy: Accuracy
  households: Drawn[]
}
