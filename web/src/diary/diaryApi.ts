import { download, get, write, type Call, type Download } from '@/shared/api/client'
import type { PersonRef } from '@/shared/api/types'

/** What the diary reads and sends. */

export interface Words {
  zh: string
  en: string
}

export interface Entry extends Words {
  kind: string
  kind_zh: string
  kind_en: string
  at: string | null
  until: string | null
  grid_name: string | null
  item_id: string | null
}

export interface DiaryDay {
  day: string
  summary: Words & { figures: Record<string, number> }
  entries: Entry[]
  remark: string
}

export interface Diary {
  person: PersonRef
  street: string | null
  grids: string[]
  summary: Words
  days: DiaryDay[]
}

const LONG_MS = 60_000

export const fetchDiary = (from: string, to: string, call: Call = {}): Promise<Diary> =>
  get('/v1/diary', { ...call, query: { from, to } })

/** The latest remark by the clock of the phone holds, so that sending it again changes nothing. */
export async function putRemark(day: string, remark: string, at: Date): Promise<Diary> {
  const body = { remark, at: at.toISOString() }
  return (await write<Diary>('PUT', `/v1/diary/${day}/remark`, { body })).body
}

export const downloadDiary = (from: string, to: string, format: 'pdf' | 'xlsx'): Promise<Download> =>
  download('/v1/diary/export', { query: { from, to, format }, timeoutMs: LONG_MS })
