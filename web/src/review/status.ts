import type { Tone } from '@/shared/patrol/status'

import type { Computed } from './types'

/** The colour family of what was computed. */
export function computedTone(status: Computed): Tone {
  return ({ valid: 'met', invalid: 'none', pending_review: 'partial' } as const)[status]
}
