import type { Tool } from '../tools'

/** Strokes in a field of 20 by 20. */
export const TOOL_ICONS: Record<Tool | 'import', string> = {
  select: 'M5 3l10 7-5 1-2 5z',
  splitLine: 'M4 4h12v12H4zM12 2L8 18',
  splitAreas: 'M4 4h12v12H4zM4 11l6 1 1-8M10 12l6-1',
  merge: 'M3 5h6v10H3zM11 5h6v10h-6M7.5 10h5M10.5 8l2 2-2 2',
  boundary: 'M4 15l4-9 8 2-2 8zM6.5 6h3v-1.5h-3zM14.5 8.500h3v-1.500h-3z',
  draw: 'M4 12l5-8 7 4-2 5M15 13v5M12.500 15.500h5',
  retire: 'M4 4h12v12H4zM7.500 7.500l5 5M12.500 7.500l-5 5',
  attributes: 'M4 5h12M4 10h8M4 15h6M14 12v5M12 14.500h4',
  subdivide: 'M4 4h12v12H4zM10 4v12M4 10h12',
  import: 'M10 3v9M6.500 8.500L10 12l3.500-3.500M4 13v4h12v-4',
}
