import { dayText } from '@/shared/format/day'
import { addDays, mondayOf, weekOfDay } from '@/shared/format/week'

/** The seven days of the week that a day lies in. */
export function weekDays(day: string): string[] {
  const monday = mondayOf(weekOfDay(new Date(day))) ?? new Date(day)
  return Array.from({ length: 7 }, (_, index) => dayText(addDays(monday, index)))
}

export function shiftDay(day: string, days: number): string {
  return dayText(addDays(new Date(day), days))
}

/** The same weekday of another week, but never a day that has not come. */
export function sameWeekday(day: string, weeks: number, today: string): string {
  const moved = shiftDay(day, weeks * 7)
  return moved > today ? today : moved
}
