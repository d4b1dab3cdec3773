/** What a grid of each level may be made of (clause 5.2); other kinds may come with files and are kept. */
export const KINDS_BY_LEVEL: Record<number, readonly string[]> = {
  1: ['community', 'village', 'comprehensive', 'exclusive'],
  2: ['area', 'lane', 'compound', 'hamlet', 'comprehensive', 'exclusive'],
  3: [
    'residential',
    'building',
    'building_group',
    'commercial',
    'mall',
    'market',
    'shop',
    'unit',
    'campus',
    'village',
    'group',
    'comprehensive',
    'exclusive',
  ],
  4: ['floor', 'shop'],
  5: ['counter'],
}

/** The kinds of a level, the present one among them even when it is not listed. */
export function kindsOf(level: number, present?: string): string[] {
  const listed = KINDS_BY_LEVEL[level] ?? []
  return present && !listed.includes(present) ? [...listed, present] : [...listed]
}
