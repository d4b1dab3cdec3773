import { dayText, today } from '@/shared/format/day'
import { addDays } from '@/shared/format/week'

/** The first day that a change of rules may begin on. */
export function tomorrow(): string {
  return dayText(addDays(new Date(today()), 1))
}
