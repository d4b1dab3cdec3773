import { get, getAll, write, type Call, type Query } from '@/shared/api/client'
import type { Check, GridRef, Page, Patrol, PersonRef, Reason, Verdict } from '@/shared/api/types'

/** What the pages of "my week" read and send. */

export interface FullCheck extends Check {
  kind: 'check' | 'doubt' | 'note'
}

export interface Gap {
  reason: string
  from_at: string
  to_at: string
  unknown_s: number
}

export interface UselessCheckIn extends Reason {
  check_in_id: string
  checkpoint_id: string
}

export interface CheckpointVisit {
  checkpoint_id: string
  proof: 'token' | 'short_code' | 'track'
  at: string
}

export interface FullVerdict extends Omit<Verdict, 'results'> {
  computed_status: 'valid' | 'invalid' | 'pending_review'
  decision: 'accepted' | 'rejected' | null
  results: FullCheck[]
  checkpoints_visited: number
  checkpoints_total: number
  unknown_s: number
  visits: CheckpointVisit[]
  useless_check_ins: UselessCheckIn[]
  gaps: Gap[]
}

export interface FullPatrol extends Omit<Patrol, 'verdict'> {
  source: string
  verdict: FullVerdict | null
}

export interface CheckpointLeft {
  checkpoint_id: string
  name: string
  kind: 'outdoor' | 'indoor' | 'vertical'
  lon: number
  lat: number
  building: string | null
  entrance: string | null
  floor: string | null
  proved_by: ('token' | 'short_code' | 'track')[]
}

export interface Progress {
  patrol_id: string
  would_be: 'valid' | 'invalid' | 'pending_review'
  zh: string
  en: string
  checks: (FullCheck & { missing: number })[]
  doubts: FullCheck[]
  notes: FullCheck[]
  minutes_recorded: number
  checkpoints_visited: number
  checkpoints_total: number
  visits: CheckpointVisit[]
  useless_check_ins: UselessCheckIn[]
  checkpoints_left: CheckpointLeft[]
  last_fix_at: string | null
  week: { would_count: boolean; zh: string; en: string }
}

export interface TrackFeature {
  geometry: { type: string; coordinates: unknown } | null
  properties: { kind: 'walked' | 'path' | 'gap' | 'ride' | 'check_in' } & Partial<{
    name: string
    at: string
    zh: string
    en: string
    from_at: string
    to_at: string
  }>
}

export interface Track {
  features: TrackFeature[]
}

export type AppealState = 'open' | 'accepted' | 'rejected' | 'withdrawn'

export interface Appeal {
  id: string
  kind: 'recorded' | 'unrecorded'
  state: AppealState
  told: Reason
  patrol_id: string | null
  grid_code: string
  grid_name: string
  week: string
  started_at: string
  finished_at: string | null
  note: string
  received_at: string
  photos: string[]
  photos_arrived: number
  decision: { decision: string; note: string; by: PersonRef; at: string } | null
}

export interface AppealBody {
  patrol_id?: string
  grid_code?: string
  started_at?: string
  finished_at?: string
  note: string
  photos: string[]
}

export interface Entry {
  code: string
  zh: string
  en: string
}

export type FindingResult = 'ok' | 'handled' | 'report'

export interface Finding {
  id: string
  aspect: Entry | null
  result: FindingResult
  state: 'done' | 'open' | 'handed'
  note: string
  at: string
  photos: { sha256: string; slot: string; arrived: boolean }[]
  photos_arrived: number
  incomplete: Reason | null
}

export interface ChecklistItem extends Entry {
  clause: string
  hint_zh: string
  hint_en: string
  finding: Finding | null
}

export interface PatrolChecklist extends Entry {
  version: number
  clause: string
  is_theme: boolean
  done: number
  total: number
  aspects: Entry[]
  items: ChecklistItem[]
}

export interface PatrolChecklists {
  themes: Entry[]
  done: number
  total: number
  checklists: PatrolChecklist[]
}

export interface FindingBody {
  patrol_id: string
  checklist: string
  version: number
  item: string
  aspect?: string
  result: FindingResult
  note: string
  at: string
  before_photos: string[]
  after_photos: string[]
}

export type DutyStatus = 'met' | 'on_track' | 'at_risk' | 'will_miss' | 'missed' | 'exempt'

interface DutyHead {
  duty: { code: string; zh: string; en: string; subject: string; clause: string }
  period: { iso: string; kind: string; starts_on: string; ends_on: string }
  grid: GridRef
  person: PersonRef | null
  required: number
  done: number
  status: DutyStatus
}

export interface DutyItem extends DutyHead {
  credited: number
  exempted: { required: number; status: DutyStatus; explained: { zh: string; en: string } }
  explained: { zh: string; en: string }
}

export interface DueItem extends DutyHead {
  last_on: string | null
  next_by: string
}

export interface Reminder {
  id: string
  duty: string
  period: string
  subject: 'own' | 'summary'
  text: { zh: string; en: string }
  made_at: string
  seen_at: string | null
}

const MANY = 200

export const fetchFullPatrol = (id: string, call: Call = {}): Promise<FullPatrol> => get(`/v1/patrols/${id}`, call)

export const fetchProgress = (id: string, call: Call = {}): Promise<Progress> => get(`/v1/patrols/${id}/progress`, call)

export const fetchTrack = (id: string, call: Call = {}): Promise<Track> => get(`/v1/patrols/${id}/track`, call)

/** The names of a grid's checkpoints by their ids. */
export async function fetchCheckpointNames(grid: string, call: Call = {}): Promise<Map<string, string>> {
  const items = await getAll<{ id: string; name: string }>('/v1/checkpoints', MANY, {
    ...call,
    query: { grid, limit: MANY },
  })
  return new Map(items.map(({ id, name }) => [id, name]))
}

export const fetchAppeals = (query: Query, call: Call = {}): Promise<Page<Appeal>> =>
  get('/v1/appeals', { ...call, query })

export async function putAppeal(id: string, body: AppealBody): Promise<Appeal> {
  return (await write<Appeal>('PUT', `/v1/appeals/${id}`, { body })).body
}

export async function withdrawAppeal(id: string): Promise<Appeal> {
  return (await write<Appeal>('POST', `/v1/appeals/${id}/withdraw`)).body
}

export const fetchChecklists = (patrolId: string, call: Call = {}): Promise<PatrolChecklists> =>
  get(`/v1/patrols/${patrolId}/checklists`, call)

export async function putFinding(id: string, body: FindingBody): Promise<Finding> {
  return (await write<Finding>('PUT', `/v1/findings/${id}`, { body })).body
}

export const fetchDuties = (query: Query, call: Call = {}): Promise<DutyItem[]> =>
  getAll('/v1/duties', MANY, { ...call, query: { ...query, limit: MANY } })

export const fetchDue = (query: Query, call: Call = {}): Promise<DueItem[]> =>
  getAll('/v1/duties/due', MANY, { ...call, query: { ...query, limit: MANY } })

export const fetchReminders = (query: Query, call: Call = {}): Promise<Page<Reminder>> =>
  get('/v1/reminders', { ...call, query })

export async function seeReminder(id: string): Promise<Reminder> {
  return (await write<Reminder>('POST', `/v1/reminders/${id}/seen`)).body
}
