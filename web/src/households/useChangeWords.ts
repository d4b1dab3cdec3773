import { useI18n } from 'vue-i18n'

import { localized } from '@/shared/i18n'

import type { RegistryChange, TagKind } from './types'

export interface ChangeWords {
  titleOf: (change: RegistryChange) => string
  linesOf: (change: RegistryChange) => string[]
}

const CODED = ['kind', 'relation', 'residence', 'sex']
const AN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-/

/** What changed in the register, in words: which fields, never whose numbers. */
export function useChangeWords(kinds: () => readonly TagKind[]): ChangeWords {
  const { t, te } = useI18n()

  function nameOf(field: string): string {
    const key = `households.logField.${field}`
    return te(key, 'zh-CN') ? t(key) : field
  }
  /** Values that people read; ids and what is not said are left out. */
  function valueOf(field: string, value: unknown): string {
    if (value === null || value === undefined || value === '') return '—'
    const text = String(value)
    const kind = field === 'tag' ? kinds().find(({ code }) => code === text) : undefined
    if (kind) return localized(kind)
    const key = `households.${field}.${text}`
    if (CODED.includes(field) && te(key, 'zh-CN')) return t(key)
    return AN_ID.test(text) ? t('households.logSet') : text
  }

  return {
    titleOf: ({ kind, event }) => {
      const key = `households.log.${kind}.${event}`
      return te(key, 'zh-CN') ? t(key) : `${kind} ${event}`
    },
    linesOf: ({ event, fields }) => {
      const told = fields.filter(({ before, after }) => before !== null || after !== null)
      if (event === 'created') return [told.map(({ field }) => nameOf(field)).join(t('duties.comma'))]
      return told.map(
        ({ field, before, after }) =>
          `${nameOf(field)}${t('list.colon')}${valueOf(field, before)} → ${valueOf(field, after)}`,
      )
    },
  }
}
