import { currentLocale, i18n } from '../i18n'
import { dayText } from './day'
import { currentWeek, isWeek, mondayOf, addDays, shanghaiDay, shiftWeek, weekNumber } from './week'

/** Spans of days as the server writes them: 2026-W47, 2026-11, 2026-Q4, 2026-H2, 2026. */

export const PERIOD_KINDS = ['week', 'month', 'quarter', 'half', 'year'] as const
export type PeriodKind = (typeof PERIOD_KINDS)[number]

const MONTHS = { month: 1, quarter: 3, half: 6, year: 12 } as const
const PATTERNS: readonly [Exclude<PeriodKind, 'week'>, RegExp][] = [
  ['month', /^(\d{4})-(\d{2})$/],
  ['quarter', /^(\d{4})-Q([1-4])$/],
  ['half', /^(\d{4})-H([12])$/],
  ['year', /^(\d{4})$/],
]

interface Months {
  kind: Exclude<PeriodKind, 'week'>
  year: number
  /** Counted from 0 within the year. */
  index: number
}

function monthsOf(text: string): Months | null {
  for (const [kind, pattern] of PATTERNS) {
    const match = pattern.exec(text)
    if (!match) continue
    const index = kind === 'year' ? 0 : Number(match[2]) - 1
    return index >= 0 && index < 12 / MONTHS[kind] ? { kind, year: Number(match[1]), index } : null
  }
  return null
}

function written({ kind, year, index }: Months): string {
  const names = {
    month: `-${String(index + 1).padStart(2, '0')}`,
    quarter: `-Q${index + 1}`,
    half: `-H${index + 1}`,
    year: '',
  }
  return `${year}${names[kind]}`
}

export function isPeriod(text: unknown): text is string {
  return typeof text === 'string' && (isWeek(text) || monthsOf(text) !== null)
}

export function kindOfPeriod(period: string): PeriodKind {
  return isWeek(period) ? 'week' : (monthsOf(period)?.kind ?? 'week')
}

/** The period of a kind that runs now, in Shanghai. */
export function currentPeriod(kind: PeriodKind, now: Date = new Date()): string {
  return kind === 'week' ? currentWeek(now) : periodOfDay(kind, shanghaiDay(now))
}

function periodOfDay(kind: Exclude<PeriodKind, 'week'>, day: Date): string {
  return written({ kind, year: day.getUTCFullYear(), index: Math.floor(day.getUTCMonth() / MONTHS[kind]) })
}

/** The period of the same kind so many later, or earlier. */
export function shiftPeriod(period: string, by: number): string {
  if (isWeek(period)) return shiftWeek(period, by)
  const months = monthsOf(period)
  if (!months) return period
  const perYear = 12 / MONTHS[months.kind]
  const number = months.year * perYear + months.index + by
  return written({ ...months, year: Math.floor(number / perYear), index: ((number % perYear) + perYear) % perYear })
}

/** The period of another kind around the last day of this one, but none that lies ahead. */
export function periodAs(period: string, kind: PeriodKind, now: Date = new Date()): string {
  const { last } = daysOfPeriod(period)
  const today = dayText(shanghaiDay(now))
  const day = new Date(last > today ? today : last)
  return kind === 'week' ? currentWeek(new Date(day.getTime() + 43_200_000)) : periodOfDay(kind, day)
}

/** First and last day. */
export function daysOfPeriod(period: string): { first: string; last: string } {
  const monday = isWeek(period) ? mondayOf(period) : null
  if (monday) return { first: dayText(monday), last: dayText(addDays(monday, 6)) }
  const { kind, year, index } = monthsOf(period) ?? { kind: 'year', year: 1970, index: 0 }
  const month = index * MONTHS[kind]
  return {
    first: dayText(new Date(Date.UTC(year, month, 1))),
    last: dayText(new Date(Date.UTC(year, month + MONTHS[kind], 0))),
  }
}

/** 2026 年第四季度, November 2026. */
export function formatPeriod(period: string): string {
  const { t } = i18n.global
  if (isWeek(period)) return t('week.short', { year: period.slice(0, 4), n: weekNumber(period) })
  const months = monthsOf(period)
  if (!months) return period
  const { kind, year, index } = months
  if (kind === 'month') {
    const options = { year: 'numeric', month: 'long', timeZone: 'UTC' } as const
    return new Intl.DateTimeFormat(currentLocale(), options).format(new Date(Date.UTC(year, index, 1)))
  }
  const nth = t(`period.${kind === 'half' ? 'halves' : 'nth'}.${index + 1}`)
  return t(`period.${kind}`, { year, n: nth })
}
