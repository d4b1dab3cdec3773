import { dayText, isDay, today } from '@/shared/format/day'
import { addDays, shanghaiDay } from '@/shared/format/week'

/** Days from which a plan may hold; weekly figures stay whole when it begins on a Monday. */

/** The first Monday after today. */
export function nextMonday(now: Date = new Date()): string {
  const day = shanghaiDay(now)
  return dayText(addDays(day, 7 - ((day.getUTCDay() + 6) % 7)))
}

/** The Monday on or after a day. */
export function mondayFrom(day: string): string {
  const date = new Date(day)
  return dayText(addDays(date, (8 - date.getUTCDay()) % 7))
}

export type StartAdvice = 'missing' | 'past' | 'midweek' | 'good'

export function adviceFor(day: string, now: Date = new Date()): StartAdvice {
  if (!isDay(day)) return 'missing'
  if (day < today(now)) return 'past'
  return mondayFrom(day) === day ? 'good' : 'midweek'
}
