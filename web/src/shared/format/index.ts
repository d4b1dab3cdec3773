import { currentLocale } from '../i18n'
import { addDays, mondayOf, shanghaiDay } from './week'

/** Numbers and times for people: the chosen language, always the time of Shanghai. */

const ZONE = 'Asia/Shanghai'
const formats = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>()

function numberFormat(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `n${currentLocale()}${JSON.stringify(options)}`
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(currentLocale(), options))
  return formats.get(key) as Intl.NumberFormat
}

function dateFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `d${currentLocale()}${JSON.stringify(options)}`
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(currentLocale(), { hourCycle: 'h23', ...options }))
  return formats.get(key) as Intl.DateTimeFormat
}

export function formatNumber(value: number, digits = 0): string {
  return numberFormat({ maximumFractionDigits: digits }).format(value)
}

/** A share 0…1 as percent, rounded down: 99.6 % done is not yet 100 %. */
export function formatShare(share: number): string {
  return numberFormat({ style: 'percent', maximumFractionDigits: 0 }).format(Math.floor(share * 100 + 1e-9) / 100)
}

/** 0.18 km² or 8,400 m². */
export function formatArea(squareMetres: number): string {
  const large = squareMetres >= 100_000
  return large ? `${formatNumber(squareMetres / 1e6, 2)} km²` : `${formatNumber(squareMetres)} m²`
}

export function formatLength(metres: number): string {
  return metres >= 1000 ? `${formatNumber(metres / 1000, 1)} km` : `${formatNumber(metres)} m`
}

/** 11月16日 周一 09:24; of another year than this one with its year. */
export function formatMoment(iso: string): string {
  const moment = new Date(iso)
  const yearOf = (one: Date): number => shanghaiDay(one).getUTCFullYear()
  const year = yearOf(moment) === yearOf(new Date()) ? undefined : 'numeric'
  const day = dateFormat({ year, month: 'short', day: 'numeric', timeZone: ZONE }).format(moment)
  const weekday = dateFormat({ weekday: 'short', timeZone: ZONE }).format(moment)
  return `${day} ${weekday} ${formatTime(moment)}`
}

export function formatTime(moment: Date): string {
  return dateFormat({ hour: '2-digit', minute: '2-digit', timeZone: ZONE }).format(moment)
}

/** A calendar date such as `2025-03-01`. */
export function formatDate(iso: string): string {
  return dateFormat({ year: 'numeric', month: 'short', day: 'numeric', timeZone: 'UTC' }).format(new Date(iso))
}

/** 11月16日 周一, of a calendar date. */
export function formatDay(iso: string): string {
  const day = new Date(iso)
  const weekday = dateFormat({ weekday: 'short', timeZone: 'UTC' }).format(day)
  return `${dateFormat({ month: 'short', day: 'numeric', timeZone: 'UTC' }).format(day)} ${weekday}`
}

/** 11月16日–22日: the days of an ISO week. */
export function formatWeekDays(week: string): string {
  const monday = mondayOf(week)
  if (!monday) return week
  const sunday = addDays(monday, 6)
  const format = dateFormat({ month: 'short', day: 'numeric', timeZone: 'UTC' })
  if (currentLocale() === 'en') return format.formatRange(monday, sunday)
  // What Intl makes of a Chinese range, 11/16 – 11/22, is not how people write it.
  const isOneMonth = monday.getUTCMonth() === sunday.getUTCMonth()
  const end = isOneMonth ? dateFormat({ day: 'numeric', timeZone: 'UTC' }) : format
  return `${format.format(monday)}–${end.format(sunday)}`
}

/** Whole minutes between two moments. */
export function minutesBetween(startedAt: string, finishedAt: string): number {
  return Math.max(0, Math.round((Date.parse(finishedAt) - Date.parse(startedAt)) / 60_000))
}
