import type { Tone } from '@/shared/patrol/status'

import type { DueItem, DutyItem, DutyStatus, DutyTotal, Line, Sums, WeekSums } from './types'

/** The colour family of a duty's state; what is on its way is not yet a failure. */
export function dutyTone(status: DutyStatus): Tone {
  switch (status) {
    case 'met':
      return 'met'
    case 'at_risk':
      return 'partial'
    case 'will_miss':
    case 'missed':
      return 'none'
    case 'on_track':
    case 'exempt':
      return 'unassigned'
  }
}

/** Done of asked for; null where nothing is asked for. */
export function shareOf(done: number, of: number): number | null {
  return of > 0 ? Math.min(1, done / of) : null
}

export function metShare({ pairs_met: met, pairs_due: due }: Pick<Sums, 'pairs_met' | 'pairs_due'>): number | null {
  return shareOf(met, due)
}

/** How a week of a line is drawn: everybody met, some, nobody, or nobody due. */
export function weekTone(week: WeekSums | undefined): Tone {
  if (!week || week.pairs_due === 0) return 'unassigned'
  if (week.pairs_met >= week.pairs_due) return 'met'
  return week.patrols_counted > 0 ? 'partial' : 'none'
}

/** The weeks of a line beside those of the period: a week without anybody due stays empty. */
export function weeksOf(line: Line, weeks: readonly { iso: string }[]): (WeekSums | undefined)[] {
  const byIso = new Map(line.weeks.map((week) => [week.iso, week]))
  return weeks.map(({ iso }) => byIso.get(iso))
}

/** Whether holidays and days without the grid change what is asked for. */
export function differs(item: DutyItem): boolean {
  return item.exempted.required !== item.required || item.exempted.status !== item.status
}

export const keyOf = ({ duty, period }: Pick<DutyTotal, 'duty' | 'period'>): string => `${duty.code} ${period.iso}`

/** All items, or those alone that are not on their way. */
export function troubled(items: readonly DutyItem[], isAlone: boolean): readonly DutyItem[] {
  return isAlone ? items.filter(({ status }) => ['at_risk', 'will_miss', 'missed'].includes(status)) : items
}

/** Where somebody has to go: the door of a household, else nothing beyond the grid. */
export function doorText(household: DueItem['household']): string {
  if (!household) return ''
  const { compound, building, address, entrance, floor, room } = household
  const place = address ?? [compound, building].filter(Boolean).join(' ')
  return [place, [entrance, floor, room].filter(Boolean).join('-')].filter(Boolean).join(' ')
}

/** Whole days from one day to another; negative when it lies behind. */
export function daysUntil(day: string, today: string): number {
  return Math.round((Date.parse(day) - Date.parse(today)) / 86_400_000)
}
