import type { AppealBody } from './myApi'

/** What somebody types who asks that a patrol count. Times are those of the clock on the wall, in China. */
export interface AppealForm {
  grid: string
  day: string
  from: string
  to: string
  note: string
  /** Names of photos on this phone. */
  photos: string[]
}

export const MAX_PHOTOS = 9

/** Where the sheet shows what the server says about its fields. */
export const NAMES = { grid_code: 'grid', started_at: 'from', finished_at: 'to' }
export const FIELDS = ['grid', 'from', 'to', 'note']
const ZONE = '+08:00'

export function bodyOf(form: AppealForm, patrolId: string | null): AppealBody {
  const said = { note: form.note.trim(), photos: form.photos }
  if (patrolId !== null) return { patrol_id: patrolId, ...said }
  return {
    grid_code: form.grid,
    started_at: `${form.day}T${form.from}:00${ZONE}`,
    finished_at: `${form.day}T${form.to}:00${ZONE}`,
    ...said,
  }
}

/** Keys of what is missing, by field; empty when it can be sent. */
export function problemsOf(form: AppealForm, isUnrecorded: boolean): Partial<Record<keyof AppealForm, string>> {
  const found: Partial<Record<keyof AppealForm, string>> = {}
  if (isUnrecorded) {
    if (!form.grid) found.grid = 'my.appeal.needGrid'
    if (!form.day) found.day = 'my.appeal.needDay'
    if (!form.from || !form.to) found.from = 'my.appeal.needTimes'
    else if (form.to <= form.from) found.to = 'my.appeal.endFirst'
  }
  if (!form.note.trim()) found.note = 'my.appeal.needNote'
  return found
}
