import { addDays } from '@/shared/format/week'
import { dayText } from '@/shared/format/day'

import type { Absence } from './types'

/** Absences by when they are. Pure. */

export const PHASES = ['running', 'coming', 'past'] as const
export type Phase = (typeof PHASES)[number]

/** The first day on which the absence no longer holds; null while nobody knows it. */
export function endOf(absence: Pick<Absence, 'valid_to' | 'cancelled_on'>): string | null {
  const ends = [absence.valid_to, absence.cancelled_on].filter((day) => day !== null)
  return ends.length ? ends.reduce((one, other) => (one < other ? one : other)) : null
}

export function phaseOf(absence: Pick<Absence, 'valid_from' | 'valid_to' | 'cancelled_on'>, today: string): Phase {
  const end = endOf(absence)
  if (end !== null && (end <= today || end <= absence.valid_from)) return 'past'
  return absence.valid_from > today ? 'coming' : 'running'
}

/** The last day away, for people: the server counts to the first day back. */
export function lastDay(end: string): string {
  return dayText(addDays(new Date(end), -1))
}

/** The first day back after a last day away. */
export function firstDayBack(last: string): string {
  return dayText(addDays(new Date(last), 1))
}

export function byPhase(absences: readonly Absence[], today: string): { phase: Phase; absences: Absence[] }[] {
  return PHASES.map((phase) => {
    const found = absences.filter((absence) => phaseOf(absence, today) === phase)
    // What comes next stands first; of the rest the latest.
    const sign = phase === 'coming' ? 1 : -1
    return { phase, absences: found.sort((a, b) => sign * a.valid_from.localeCompare(b.valid_from)) }
  })
}
