import type { Fault, FaultKind, FaultTotals, Faults } from './types'

/** Faults as the check list and the map show them. */

export const FAULT_KINDS: readonly FaultKind[] = ['overlap', 'gap', 'outside', 'sliver']

// Apart in lightness and hue from each other and from the colours of planned changes.
export const FAULT_COLOURS: Record<FaultKind, string> = {
  overlap: '#c02f1d',
  gap: '#7a2fa0',
  outside: '#b45309',
  sliver: '#c2187a',
}

export interface FaultRow {
  /** Position in the collection: its feature id on the map. */
  index: number
  kind: FaultKind
  source: FaultKind
  names: string[]
  areaM2: number
  widthM: number | null
  blocks: boolean
  fault: Fault
}

/** Faults in the order in which they matter: by kind, the largest first. */
export function faultRows(faults: Faults): FaultRow[] {
  return faults.features
    .map((fault, index) => ({
      index,
      kind: fault.properties.kind,
      source: fault.properties.source,
      names: fault.properties.grids.map(({ name }) => name),
      blocks: fault.properties.blocks,
      areaM2: fault.properties.area_m2,
      widthM: fault.properties.width_m,
      fault,
    }))
    .sort((a, b) => FAULT_KINDS.indexOf(a.kind) - FAULT_KINDS.indexOf(b.kind) || b.areaM2 - a.areaM2)
}

export function countFaults(totals: Partial<FaultTotals>): number {
  return FAULT_KINDS.reduce((sum, kind) => sum + (totals[kind] ?? 0), 0)
}

export interface RepairBalance {
  kind: FaultKind
  before: number
  after: number
}

/** What a proposed repair would leave of each kind that there is. */
export function repairBalance(before: FaultTotals, after: FaultTotals): RepairBalance[] {
  return FAULT_KINDS.map((kind) => ({ kind, before: before[kind] ?? 0, after: after[kind] ?? 0 })).filter(
    (row) => row.before > 0 || row.after > 0,
  )
}
