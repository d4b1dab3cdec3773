import { shanghaiDay } from './week'

/** Days as `2026-09-01`, counted in Shanghai. */

const DAY = /^\d{4}-\d{2}-\d{2}$/

export function dayText(day: Date): string {
  return day.toISOString().slice(0, 10)
}

export function today(now: Date = new Date()): string {
  return dayText(shanghaiDay(now))
}

/** Whether a text names a day that exists. */
export function isDay(text: unknown): text is string {
  if (typeof text !== 'string' || !DAY.test(text)) return false
  const day = new Date(text)
  return !Number.isNaN(day.getTime()) && dayText(day) === text
}
