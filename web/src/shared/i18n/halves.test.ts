import { afterEach, expect, it } from 'vitest'

import { i18n, localHalf, localized } from './index'

afterEach(() => {
  i18n.global.locale.value = 'zh-CN'
})

it('takes the half of a two-language sentence that fits', () => {
  const text = '社区内第 6 号网格 / grid 6 of the community'
  expect(localHalf(text)).toBe('社区内第 6 号网格')
  i18n.global.locale.value = 'en'
  expect(localHalf(text)).toBe('grid 6 of the community')
  expect(localized({ zh: '有效', en: 'valid' })).toBe('valid')
  expect(localized({ zh: '有效', en: '' })).toBe('有效')
})

it('leaves everything else alone', () => {
  for (const text of ['仙林街道', 'no track point / no time', '甲 / 乙', '甲 / b / c', ''])
    expect(localHalf(text)).toBe(text)
})
