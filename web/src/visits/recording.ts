import { ApiProblem } from '@/shared/api/problem'
import { localHalf } from '@/shared/i18n'

import { answersOf, fieldsOf, missingIn, type Answers } from './schema'
import {
  WGS84,
  type CorrectionBody,
  type Here,
  type Outcome,
  type Theme,
  type VisitBody,
  type VisitDetail,
  type VisitForm,
} from './visitApi'

/** What somebody has filled in about a visit. */
export interface Draft {
  /** Only a correction takes a visit back altogether. */
  outcome: Outcome | 'withdrawn' | null
  theme: Theme
  /** `code/version`, or empty for none. */
  form: string
  answers: Answers
  note: string
  /** Why a visit is corrected. */
  reason: string
}

export const emptyDraft = (): Draft => ({ outcome: null, theme: 'routine', form: '', answers: {}, note: '', reason: '' })

/** A draft that says what a visit says already. */
export function draftOf({ outcome, theme, form, answers, note }: VisitDetail): Draft {
  return { outcome, theme, form: form ? keyOf(form) : '', answers: { ...answers }, note, reason: '' }
}

export const keyOf = ({ code, version }: Pick<VisitForm, 'code' | 'version'>): string => `${code}/${version}`

/** A form is filled in where somebody was spoken with. */
export function isSpokenWith(outcome: Draft['outcome']): boolean {
  return outcome === 'met' || outcome === 'by_phone'
}

/** What a draft says; what its outcome leaves no room for is left out. */
function contentsOf<Said extends Draft['outcome']>(
  draft: Draft & { outcome: Said },
  form: VisitForm | null,
): Pick<VisitBody, 'theme' | 'form' | 'answers' | 'note'> & { outcome: Said } {
  const filled = isSpokenWith(draft.outcome) ? form : null
  return {
    outcome: draft.outcome,
    theme: filled?.theme ?? (isSpokenWith(draft.outcome) ? draft.theme : 'routine'),
    ...(filled && {
      form: { code: filled.code, version: filled.version },
      answers: answersOf(fieldsOf(filled.definition), draft.answers),
    }),
    note: draft.note.trim(),
  }
}

export function visitOf(
  household: string,
  draft: Draft & { outcome: Outcome },
  form: VisitForm | null,
  at: Date,
  here: Here | null,
): VisitBody {
  return {
    household_id: household,
    at: at.toISOString(),
    ...contentsOf(draft, form),
    ...(here && { position: { ...here, datum: WGS84 } }),
  }
}

export function correctionOf(
  visit: string,
  draft: Draft & { outcome: Outcome | 'withdrawn' },
  form: VisitForm | null,
  at: Date,
): CorrectionBody {
  return { visit_id: visit, made_at: at.toISOString(), reason: draft.reason.trim(), ...contentsOf(draft, form) }
}

/** JSON pointers of what is missing in the answers of a visit. */
export function missingOf(body: Pick<VisitBody, 'form' | 'answers'>, form: VisitForm | null): string[] {
  return body.form && form ? missingIn(fieldsOf(form.definition), body.answers ?? {}) : []
}

/** What the server says about each answer, by its JSON pointer. */
export function saidOf(failure: unknown): Record<string, string> {
  if (!(failure instanceof ApiProblem)) return {}
  return Object.fromEntries(failure.fields.map(({ pointer, detail }) => [pointer, localHalf(detail)]))
}
