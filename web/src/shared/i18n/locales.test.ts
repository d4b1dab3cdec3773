import { describe, expect, it } from 'vitest'

import en from './en'
import zhCN from './zh-CN'

type Tree = { [key: string]: string | Tree }

function leaves(tree: Tree, path = ''): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[path + key, value]] : leaves(value, `${path}${key}.`),
  )
}

function placeholders(text: string): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ''))].sort()
}

const chinese = new Map(leaves(zhCN))
const english = new Map(leaves(en))

describe('locale files', () => {
  it('have the same keys', () => {
    expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort())
  })

  it.each([...chinese])('%s says something in both languages with the same figures', (key, zh) => {
    const text = english.get(key) ?? ''
    expect(text.trim()).not.toBe('')
    // A plural form such as "last day today" may leave the figure out, but none may bring in a new one.
    expect(placeholders(zh)).toEqual(placeholders(text))
  })
})
