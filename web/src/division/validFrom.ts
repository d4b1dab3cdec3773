import { addDays, shanghaiDay } from '@/shared/format/week'

/** Days from which a plan may hold; weekly figures stay whole when it begins on a Monday. */

const DAY = /^\d{4}-\d{2}-\d{2}$/

export function dayText(day: Date): string {
  return day.toISOString().slice(0, 10)
}

export function today(now: Date = new Date()): string {
  return dayText(shanghaiDay(now))
}

export function isDay(text: unknown): text is string {
  return typeof text === 'string' && DAY.test(text) && !Number.isNaN(Date.parse(text))
}

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
