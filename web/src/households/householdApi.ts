import { get, write, type Call, type Query } from '@/shared/api/client'
import type { Page } from '@/shared/api/types'

import { draftOf, type HouseholdEdit, type ResidentEdit } from './drafts'
import type {
  FullValues,
  Household,
  HouseholdDetail,
  ListedVisit,
  RegistryChange,
  Resident,
  Revealed,
  RevealReason,
  TagKind,
} from './types'

const CHANGES = 1000
const MOST_PAGES = 10

export const fetchHouseholds = (query: Query, call: Call = {}): Promise<Page<Household>> =>
  get('/v1/households', { ...call, query })

export const fetchHousehold = (id: string, call: Call = {}): Promise<HouseholdDetail> =>
  get(`/v1/households/${id}`, { ...call, query: { former: true } })

export const fetchTagKinds = (call: Call = {}): Promise<TagKind[]> =>
  get<{ items: TagKind[] }>('/v1/tags', call).then(({ items }) => items)

export const fetchVisits = (household: string, call: Call = {}): Promise<ListedVisit[]> =>
  get<Page<ListedVisit>>('/v1/visits', { ...call, query: { household, limit: 50 } }).then(({ items }) => items)

/** What changed of one household, the latest first. The list is kept by grid, so it is read through. */
export async function fetchHistory({ id, street, grid }: Household, call: Call = {}): Promise<RegistryChange[]> {
  const found: RegistryChange[] = []
  let since = 0
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const query = { street, grid: grid?.code, since, limit: CHANGES }
    const read = await get<{ items: RegistryChange[]; last: number; more: boolean }>('/v1/households/changes', {
      ...call,
      query,
    })
    found.push(...read.items.filter(({ household }) => household === id))
    if (!read.more) break
    since = read.last
  }
  return found.reverse()
}

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
