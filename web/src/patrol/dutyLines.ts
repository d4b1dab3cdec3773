import { addDays } from '@/shared/format/week'
import { dayText } from '@/shared/format/day'

import type { DueItem, DutyItem, DutyStatus } from './myApi'

/** What is still to do in a grid this week, as short as it fits below the figure. */
export interface DutyLine {
  left: number
  /** Last day on which the next patrol can begin. */
  by: string | null
  status: DutyStatus
  excused: { zh: string; en: string } | null
}

export function dutyLineOf(
  grid: string,
  person: string,
  items: readonly DutyItem[],
  due: readonly DueItem[],
): DutyLine | null {
  const isIt = (one: DutyItem | DueItem): boolean => one.grid.code === grid && one.person?.id === person
  const item = items.find(isIt)
  if (!item) return null
  return {
    left: Math.max(0, item.required - item.credited),
    by: due.find(isIt)?.next_by ?? null,
    status: item.status,
    excused: item.exempted.required === item.required ? null : item.exempted.explained,
  }
}

/** `today`, `tomorrow`, or null for a day that is better named. */
export function nearDay(day: string, today: string): 'today' | 'tomorrow' | null {
  if (day <= today) return 'today'
  return day === dayText(addDays(new Date(today), 1)) ? 'tomorrow' : null
}
