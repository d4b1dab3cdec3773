import type { FindingBody, FindingResult } from './myApi'

/** What somebody fills in about one item of a checklist. */
export interface FindingDraft {
  result: FindingResult | null
  aspect: string
  note: string
  /** Names of photos on this phone. */
  before: string[]
  after: string[]
}

export const RESULTS: readonly FindingResult[] = ['ok', 'handled', 'report']
export const MAX_PHOTOS = 6

export const emptyFinding = (): FindingDraft => ({ result: null, aspect: '', note: '', before: [], after: [] })

/** The key of what is missing before it can be sent; null when it can. */
export function lacksOf(draft: FindingDraft): string | null {
  return draft.result === null ? 'my.checklist.needResult' : null
}

export function findingOf(
  about: Pick<FindingBody, 'patrol_id' | 'checklist' | 'version' | 'item'>,
  draft: FindingDraft,
  at: Date,
): FindingBody {
  const result = draft.result ?? 'ok'
  const isOk = result === 'ok'
  return {
    ...about,
    ...(draft.aspect && !isOk && { aspect: draft.aspect }),
    result,
    note: draft.note.trim(),
    at: at.toISOString(),
    // What is not asked for any more does not go along.
    before_photos: isOk ? [] : [...draft.before],
    after_photos: result === 'handled' ? [...draft.after] : [],
  }
}
