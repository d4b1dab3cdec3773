/** ISO weeks as `2026-W47`, counted in the calendar of Shanghai whatever the device's own zone is. */

const DAY_MS = 86_400_000
const SHANGHAI_OFFSET_MS = 8 * 3_600_000 // no daylight saving since 1991
const PATTERN = /^(\d{4})-W(\d{2})$/

/** Days as UTC midnights: plain calendar arithmetic without any zone. */
type Day = Date

export function shanghaiDay(moment: Date): Day {
  return new Date(Math.floor((moment.getTime() + SHANGHAI_OFFSET_MS) / DAY_MS) * DAY_MS)
}

export function addDays(day: Day, days: number): Day {
  return new Date(day.getTime() + days * DAY_MS)
}

function mondayBefore(day: Day): Day {
  return addDays(day, -((day.getUTCDay() + 6) % 7))
}

export function weekOfDay(day: Day): string {
  const monday = mondayBefore(day)
  const thursday = addDays(monday, 3)
  const year = thursday.getUTCFullYear()
  const first = mondayBefore(new Date(Date.UTC(year, 0, 4)))
  const number = 1 + Math.round((monday.getTime() - first.getTime()) / (7 * DAY_MS))
  return `${year}-W${String(number).padStart(2, '0')}`
}

export function currentWeek(now: Date = new Date()): string {
  return weekOfDay(shanghaiDay(now))
}

/** Monday of the week, or null when the text names no week (2025 has no week 53). */
export function mondayOf(week: string): Day | null {
  const match = PATTERN.exec(week)
  if (!match) return null
  const first = mondayBefore(new Date(Date.UTC(Number(match[1]), 0, 4)))
  const monday = addDays(first, 7 * (Number(match[2]) - 1))
  return weekOfDay(monday) === week ? monday : null
}

export function isWeek(text: unknown): text is string {
  return typeof text === 'string' && mondayOf(text) !== null
}

export function shiftWeek(week: string, weeks: number): string {
  const monday = mondayOf(week)
  return monday ? weekOfDay(addDays(monday, 7 * weeks)) : week
}

/** The given week and the ones before it, newest first. */
export function weeksBackFrom(week: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => shiftWeek(week, -index))
}

export function weekNumber(week: string): number {
  return Number(week.slice(6))
}

/** Whole days from today to the last day of the week, that day included; 0 when it is over. */
export function daysLeft(week: string, now: Date = new Date()): number {
  const monday = mondayOf(week)
  if (!monday) return 0
  const remaining = Math.round((addDays(monday, 7).getTime() - shanghaiDay(now).getTime()) / DAY_MS)
  return Math.min(7, Math.max(0, remaining))
}
