/** CJ/T 349 grid codes: `OOOOOO CCCCCC SSS QQQ NN`, with a local `-FFF-CCC` suffix at levels 4 and 5. */

const PATTERN = /^(\d{6})(\d{6})(\d{3})(\d{3})(\d{2})((?:-\d{3}){0,2})$/

/** The code in its groups, or as it is when it is not one. */
export function spacedGridCode(code: string): string {
  const match = PATTERN.exec(code)
  if (!match) return code
  return match.slice(1, 6).join(' ') + (match[6] ?? '')
}

export function isGridCode(text: string): boolean {
  return PATTERN.test(text)
}

/** What a person typed or pasted, without the blanks between the groups. */
export function compactGridCode(text: string): string {
  return text.replace(/\s+/g, '')
}
