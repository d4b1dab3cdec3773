import { download, get, write, type Call, type Download, type Query } from '@/shared/api/client'
import type { Page } from '@/shared/api/types'
import { sendForm } from '@/shared/api/upload'
import type { TableUpload } from '@/shared/desk/tableImport'

import { draftOf, type HouseholdEdit, type ResidentEdit } from './drafts'
import type {
  FullValues,
  Household,
  HouseholdDetail,
  ListedVisit,
  Quality,
  RegistryChange,
  Resident,
  ResidentsReport,
  Revealed,
  RevealReason,
  SampleDetail,
  TagKind,
} from './types'

const CHANGES = 1000
const MOST_PAGES = 10
const LONG_MS = 120_000

export const fetchHouseholds = (query: Query, call: Call = {}): Promise<Page<Household>> =>
  get('/v1/households', { ...call, query })

export const fetchHousehold = (id: string, call: Call = {}): Promise<HouseholdDetail> =>
  get(`/v1/households/${id}`, { ...call, query: { former: true } })

export const fetchTagKinds = (call: Call = {}): Promise<TagKind[]> =>
  get<{ items: TagKind[] }>('/v1/tags', call).then(({ items }) => items)

export const fetchVisits = (household: string, call: Call = {}): Promise<ListedVisit[]> =>
  get<Page<ListedVisit>>('/v1/visits', { ...call, query: { household, limit: 50 } }).then(({ items }) => items)

/** All changes of a street or grid in their order, as far as they are read at once. */
export async function fetchChanges(query: Query, call: Call = {}): Promise<RegistryChange[]> {
  const found: RegistryChange[] = []
  let since = 0
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const read = await get<{ items: RegistryChange[]; last: number; more: boolean }>('/v1/households/changes', {
      ...call,
      query: { ...query, since, limit: CHANGES },
    })
    found.push(...read.items)
    if (!read.more) break
    since = read.last
  }
  return found
}

export const downloadChanges = (query: Query): Promise<Download> => download('/v1/households/changes.csv', { query })

/** What changed of one household, the latest first. */
export const fetchHistory = ({ id, street }: Household, call: Call = {}): Promise<RegistryChange[]> =>
  fetchChanges({ street, household: id }, call).then((changes) => changes.reverse())

/** Masked; taking full numbers along needs a reason and another door. */
export const downloadHouseholds = (grid: string | null, format: 'xlsx' | 'csv'): Promise<Download> =>
  download('/v1/households/export', { query: { grid, format }, timeoutMs: LONG_MS })

export const downloadTemplate = (): Promise<Download> => download('/v1/households/template.xlsx')

export interface ResidentsUpload extends TableUpload {
  street: string
}

export function importHouseholds({ file, street, isDry, signal }: ResidentsUpload): Promise<ResidentsReport> {
  const form = new FormData()
  form.append('file', file)
  return sendForm('/v1/households/import', {
    form,
    query: { street, dry_run: isDry },
    signal,
    onProgress: () => undefined,
  })
}

export const fetchQuality = (query: Query, call: Call = {}): Promise<Quality> =>
  get('/v1/registry/quality', { timeoutMs: LONG_MS, ...call, query })

export const fetchSample = (id: string, call: Call = {}): Promise<SampleDetail> => get(`/v1/samples/${id}`, call)

export const drawSample = (id: string, area: Query, size: number): Promise<SampleDetail> =>
  write<SampleDetail>('POST', '/v1/samples', { body: { id, ...area, size } }).then(({ body }) => body)

export const putCheck = (sample: string, household: string, wrong: readonly string[]): Promise<SampleDetail> =>
  write<SampleDetail>('PUT', `/v1/samples/${sample}/checks/${household}`, {
    body: { correct: wrong.length === 0, wrong_fields: wrong },
  }).then(({ body }) => body)

const ifMatch = (revision: number): Record<string, string> => ({ 'If-Match': `"${revision}"` })

export const putHousehold = (household: Household, edit: HouseholdEdit): Promise<HouseholdDetail> =>
  write<HouseholdDetail>('PUT', `/v1/households/${household.id}`, {
    body: draftOf(household, edit),
    headers: ifMatch(household.revision),
  }).then(({ body }) => body)

/** A new resident has no revision yet. */
export const putResident = (id: string, edit: ResidentEdit, revision: number | null): Promise<Resident> =>
  write<Resident>('PUT', `/v1/residents/${id}`, {
    body: edit,
    headers: revision === null ? {} : ifMatch(revision),
  }).then(({ body }) => body)

export const putTags = (
  household: Household,
  tags: readonly { tag: string; resident: string | null }[],
): Promise<HouseholdDetail> =>
  write<HouseholdDetail>('PUT', `/v1/households/${household.id}/tags`, {
    body: { tags },
    headers: ifMatch(household.revision),
  }).then(({ body }) => body)

/** Full values, on purpose and with a reason: what is asked travels in the body alone. */
export const revealResident = (
  id: string,
  fields: readonly Revealed[],
  reason: RevealReason,
  note: string,
): Promise<FullValues> =>
  write<{ values: FullValues }>('POST', `/v1/residents/${id}/reveal`, { body: { fields, reason, note } }).then(
    ({ body }) => body.values,
  )

export const searchResidents = (
  number: { id_number: string } | { phone: string },
  reason: RevealReason,
  note: string,
): Promise<Resident[]> =>
  write<{ items: Resident[] }>('POST', '/v1/residents/search', { body: { ...number, reason, note } }).then(
    ({ body }) => body.items,
  )
