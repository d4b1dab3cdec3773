import { createI18n } from 'vue-i18n'

import { readStored, store } from '../storage'
import en from './en'
import zhCN from './zh-CN'

export const LOCALES = ['zh-CN', 'en'] as const
export type AppLocale = (typeof LOCALES)[number]

const STORED = 'xunge.locale'

function storedLocale(): AppLocale {
  const stored = readStored(STORED)
  return LOCALES.find((locale) => locale === stored) ?? 'zh-CN'
}

export const i18n = createI18n({
  legacy: false,
  locale: storedLocale(),
  fallbackLocale: 'zh-CN',
  messages: { 'zh-CN': zhCN, en },
})

export function currentLocale(): AppLocale {
  return i18n.global.locale.value as AppLocale
}

export function chooseLocale(locale: AppLocale): void {
  i18n.global.locale.value = locale
  store(STORED, locale)
  document.documentElement.lang = locale
}

/** The fitting half of a sentence that the server gives as 中文 / English; anything else as it is. */
export function localHalf(text: string): string {
  const [zh, en, ...more] = text.split(' / ')
  if (!zh || !en || more.length || !/\p{Script=Han}/u.test(zh) || /\p{Script=Han}/u.test(en)) return text
  return currentLocale() === 'en' ? en : zh
}

/** The sentence of a pair in both languages that fits the chosen one. */
export function localized(pair: { zh: string; en: string }): string {
  return currentLocale() === 'en' ? pair.en || pair.zh : pair.zh || pair.en
}
