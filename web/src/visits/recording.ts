import { ApiProblem } from '@/shared/api/problem'
import { localHalf } from '@/shared/i18n'

import { answersOf, fieldsOf, missingIn, type Answers } from './schema'
import { WGS84, type Here, type Outcome, type Theme, type VisitBody, type VisitForm } from './visitApi'

/** What somebody has filled in about a visit. */
export interface Draft {
  outcome: Outcome | null
  theme: Theme
  /** `code/version`, or empty for none. */
  form: string
  answers: Answers
  note: string
}

export const keyOf = ({ code, version }: Pick<VisitForm, 'code' | 'version'>): string => `${code}/${version}`

/** A form is filled in where somebody was spoken with. */
export function isSpokenWith(outcome: Outcome | null): boolean {
  return outcome === 'met' || outcome === 'by_phone'
}

/** The body of the visit; what the outcome leaves no room for is left out. */
export function visitOf(
  household: string,
  draft: Draft & { outcome: Outcome },
  form: VisitForm | null,
  at: Date,
  here: Here | null,
): VisitBody {
  const filled = isSpokenWith(draft.outcome) ? form : null
  return {
    household_id: household,
    at: at.toISOString(),
    outcome: draft.outcome,
    theme: filled?.theme ?? (isSpokenWith(draft.outcome) ? draft.theme : 'routine'),
    ...(filled && {
      form: { code: filled.code, version: filled.version },
      answers: answersOf(fieldsOf(filled.definition), draft.answers),
    }),
    note: draft.note.trim(),
    ...(here && { position: { ...here, datum: WGS84 } }),
  }
}

/** JSON pointers of what is missing in the answers of a visit. */
export function missingOf(body: VisitBody, form: VisitForm | null): string[] {
  return body.form && form ? missingIn(fieldsOf(form.definition), body.answers ?? {}) : []
}

/** What the server says about each answer, by its JSON pointer. */
export function saidOf(failure: unknown): Record<string, string> {
  if (!(failure instanceof ApiProblem)) return {}
  return Object.fromEntries(failure.fields.map(({ pointer, detail }) => [pointer, localHalf(detail)]))
}
