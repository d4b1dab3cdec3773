import { download, get, write, type Call, type Download, type Query } from '@/shared/api/client'
import type { Page } from '@/shared/api/types'
import { sendForm } from '@/shared/api/upload'
import type { TableUpload } from '@/shared/desk/tableImport'

import type { Building, BuildingDetail, Checkpoint, Geocoded, PlaceKind, PlacesReport } from './types'

// A street's plates are drawn one by one; many take a while.
const LONG_MS = 120_000

export const fetchBuildings = (query: Query, call: Call = {}): Promise<Page<Building>> =>
  get('/v1/buildings', { ...call, query })

export const fetchBuilding = (id: string, call: Call = {}): Promise<BuildingDetail> => get(`/v1/buildings/${id}`, call)

export const retireBuilding = (id: string): Promise<BuildingDetail> =>
  write<BuildingDetail>('POST', `/v1/buildings/${id}/retire`).then(({ body }) => body)

export const fetchCheckpoints = (query: Query, call: Call = {}): Promise<Page<Checkpoint>> =>
  get('/v1/checkpoints', { ...call, query })

export const reissuePlate = (id: string): Promise<Checkpoint> =>
  write<Checkpoint>('POST', `/v1/checkpoints/${id}/plate`).then(({ body }) => body)

export const printSheet = (grid: string | null): Promise<Download> =>
  download('/v1/checkpoints/sheet.pdf', { query: { grid }, timeoutMs: LONG_MS })

export const geocode = (text: string, street: string, call: Call = {}): Promise<Geocoded> =>
  get('/v1/geocode', { ...call, query: { text, street } })

export const downloadTemplate = (kind: PlaceKind): Promise<Download> => download(`/v1/places/template/${kind}.xlsx`)

export interface PlacesUpload extends TableUpload {
  kind: PlaceKind
  datum: string
  street: string
}

export function importPlaces({ file, kind, datum, street, isDry, signal }: PlacesUpload): Promise<PlacesReport> {
  const form = new FormData()
  form.append('file', file)
  const query = { kind, datum, street, dry_run: isDry }
  return sendForm('/v1/places/import', { form, query, signal, onProgress: () => undefined })
}
