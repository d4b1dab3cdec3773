import type { PlannedGrid } from './types'

/** The tools of the plan's map: what each needs to be selected, and what is drawn with it. */

export const TOOLS = [
  'select',
  'splitLine',
  'splitAreas',
  'merge',
  'boundary',
  'draw',
  'retire',
  'attributes',
  'subdivide',
] as const
export type Tool = (typeof TOOLS)[number]

export type Sketch = 'line' | 'areas' | 'area' | 'boundary'

interface Need {
  min: number
  max: number
  /** Whether the selected grids must have a drawn boundary. */
  shape: boolean
}

const NEEDS: Record<Tool, Need> = {
  select: { min: 0, max: Infinity, shape: false },
  splitLine: { min: 1, max: 1, shape: true },
  splitAreas: { min: 1, max: 1, shape: true },
  merge: { min: 2, max: 30, shape: true },
  boundary: { min: 1, max: 1, shape: true },
  draw: { min: 0, max: Infinity, shape: false },
  retire: { min: 1, max: 1, shape: false },
  attributes: { min: 1, max: 1, shape: false },
  subdivide: { min: 1, max: 1, shape: true },
}

export const SKETCHES: Partial<Record<Tool, Sketch>> = {
  splitLine: 'line',
  splitAreas: 'areas',
  draw: 'area',
  boundary: 'boundary',
}

export type Obstacle = 'one' | 'several' | 'tooMany' | 'retired' | 'siblings' | 'noShape' | 'community'

// Level 1 is the communities: they are made in the division table, not by a cut on the map.
export const CUTS: readonly Tool[] = ['splitLine', 'splitAreas', 'subdivide']

export interface Selected {
  grid: PlannedGrid
  hasShape: boolean
}

/** Why a tool cannot be used with this selection, or null when it can. */
export function obstacleOf(tool: Tool, selected: readonly Selected[]): Obstacle | null {
  const { min, max, shape } = NEEDS[tool]
  if (selected.length < min) return min === 1 ? 'one' : 'several'
  if (selected.length > max) return max === 1 ? 'one' : 'tooMany'
  if (min === 0) return null
  if (selected.some(({ grid }) => grid.action === 'retire')) return 'retired'
  if (shape && selected.some(({ hasShape }) => !hasShape)) return 'noShape'
  if (CUTS.includes(tool) && selected.some(({ grid }) => grid.level === 1)) return 'community'
  if (tool === 'merge' && !areSiblings(selected.map(({ grid }) => grid))) return 'siblings'
  return null
}

/** Only grids of one level below one parent can become one. */
function areSiblings(grids: readonly PlannedGrid[]): boolean {
  const [first] = grids
  return grids.every(({ level, parent }) => level === first?.level && parent === first.parent)
}
