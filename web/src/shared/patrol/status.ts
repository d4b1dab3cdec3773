import type { GridStatus, PatrolStatus, WeekState } from '../api/types'

/** Colour families shared by map, tags and rings. */
export type Tone = GridStatus

export interface StatusLabel {
  tone: Tone
  /** Key of the words in the locale files. */
  key: string
}

/** How a patrol stands towards the weekly count. */
export function patrolLabel(patrol: { status: PatrolStatus; counted: boolean | null }): StatusLabel {
  switch (patrol.status) {
    case 'open':
      return { tone: 'unassigned', key: 'patrol.open' }
    case 'judging':
    case 'judged':
      return { tone: 'unassigned', key: 'patrol.judging' }
    case 'pending_review':
      return { tone: 'partial', key: 'patrol.pendingReview' }
    case 'invalid':
      return { tone: 'none', key: 'patrol.invalid' }
    case 'valid':
    case 'accepted_by_supervisor':
      if (patrol.counted === false) return { tone: 'partial', key: 'patrol.notCounted' }
      return { tone: 'met', key: patrol.status === 'valid' ? 'patrol.counted' : 'patrol.accepted' }
  }
}

/** The words for a grid or pair: a week that still runs is not yet failed. */
export function gridLabel(status: GridStatus, week: WeekState): StatusLabel {
  return { tone: status, key: status === 'unassigned' ? 'status.unassigned' : `status.${week}.${status}` }
}
