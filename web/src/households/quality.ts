import { formatNumber } from '@/shared/format'

import type { Drawn } from './types'

/** A share 0…1 with one digit, rounded down: goals such as 98.5 % need it. */
export function shareText(share: number | null): string {
  return share === null ? '—' : `${formatNumber(Math.floor(share * 1000 + 1e-6) / 10, 1)}%`
}

/** Where to knock. */
export function doorOfDrawn({ address, building, entrance, floor, room }: Drawn): string {
  return [address ?? building, [entrance, floor, room].filter(Boolean).join('-')].filter(Boolean).join(' ')
}

export type CheckState = 'open' | 'right' | 'wrong'

export function checkState({ correct }: Pick<Drawn, 'correct'>): CheckState {
  if (correct === null) return 'open'
  return correct ? 'right' : 'wrong'
}
