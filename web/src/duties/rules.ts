import type { DutyRule } from './types'

/** How many patrols are asked for stands in the patrol policy, beside what makes one count. */
export const PATROLS = 'patrols'

/** Each duty once, in the order of the rules. */
export function dutiesIn(rules: readonly DutyRule[]): DutyRule[] {
  return rules.filter((rule, index) => rules.findIndex(({ code }) => code === rule.code) === index)
}

/** The newest rule of a duty for a whole street and any kind of grid: the one that a change has to know. */
export function newestHere(rules: readonly DutyRule[], code: string, street: string | null): DutyRule | null {
  const here = rules.filter(
    (rule) => rule.code === code && rule.street_code === street && rule.grid_code === null && rule.kind === '',
  )
  return here.reduce<DutyRule | null>((newest, rule) => (newest && newest.id > rule.id ? newest : rule), null)
}

/** The code of the part that a rule is for; null for everywhere. */
export function placeOf({ grid_code: grid, street_code: street }: DutyRule): string | null {
  return grid ?? street
}
