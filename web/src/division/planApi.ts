import { download, get, getAll, write, type Call, type Download, type Written } from '@/shared/api/client'
import { sendForm } from '@/shared/api/upload'

import type {
  CheckReport,
  NewPlan,
  PlanDetail,
  PlanImportReport,
  PlanSummary,
  PlannedWorld,
  Ref,
  RepairInput,
  RepairReport,
  Subdivision,
} from './types'

/** One function per address of the division plans. Every change names the revision that it is meant for. */

const MAX_PLANS = 500
const PAGE = 200
// Checking or repairing a whole street takes longer than reading a page.
const LONG_MS = 120_000

const planPath = (planId: string, ...rest: string[]): string =>
  ['/v1/plans', planId, ...rest].map((part, index) => (index ? encodeURIComponent(part) : part)).join('/')

const ifMatch = (revision: number): Record<string, string> => ({ 'If-Match': `"${revision}"` })

export const fetchPlans = (call: Call = {}): Promise<PlanSummary[]> =>
  getAll('/v1/plans', MAX_PLANS, { ...call, query: { ...call.query, limit: PAGE } })

export const fetchPlan = (planId: string, call: Call = {}): Promise<PlanDetail> => get(planPath(planId), call)

export const fetchWorld = (planId: string, call: Call = {}): Promise<PlannedWorld> =>
  get(planPath(planId, 'grids'), { timeoutMs: LONG_MS, ...call })

export const fetchCheck = (planId: string, call: Call = {}): Promise<CheckReport> =>
  get(planPath(planId, 'check'), { timeoutMs: LONG_MS, ...call })

/** Begins a plan, or says something else of one; only the latter names a revision. */
export const createPlan = (planId: string, plan: NewPlan, revision?: number): Promise<Written<PlanDetail>> =>
  write('PUT', planPath(planId), { body: plan, headers: revision === undefined ? {} : ifMatch(revision) })

/** A change of a plan: an address below the plan, and what to send there. */
export interface Edit {
  method?: 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string[]
  body?: unknown
  query?: Record<string, boolean | number | string>
}

export const sendEdit = (planId: string, revision: number, edit: Edit): Promise<Written<PlanDetail>> =>
  write(edit.method ?? 'POST', planPath(planId, ...edit.path), {
    body: edit.body,
    query: edit.query,
    headers: ifMatch(revision),
    timeoutMs: LONG_MS,
  })

export const previewRepair = (planId: string, revision: number, input: RepairInput): Promise<RepairReport> =>
  write<RepairReport>('POST', planPath(planId, 'repair'), {
    body: input,
    query: { dry_run: true },
    headers: ifMatch(revision),
    timeoutMs: LONG_MS,
  }).then(({ body }) => body)

export const previewSubdivision = (
  planId: string,
  revision: number,
  body: { grid: Ref; households: number },
): Promise<Subdivision> =>
  write<Subdivision>('POST', planPath(planId, 'subdivide'), {
    body,
    query: { dry_run: true },
    headers: ifMatch(revision),
    timeoutMs: LONG_MS,
  }).then((answer) => answer.body)

export const approvePlan = (planId: string, revision: number, acceptsWarnings: boolean): Promise<Written<PlanDetail>> =>
  write('POST', planPath(planId, 'approval'), {
    body: { accept_warnings: acceptsWarnings },
    headers: ifMatch(revision),
    timeoutMs: LONG_MS,
  })

export interface ImportOptions {
  datum: string
  encoding: string
  layer: string
  level: string
  mapping: string
}

export interface PlanUpload {
  file: File
  options: ImportOptions
  revision: number
  onProgress: (share: number) => void
  signal: AbortSignal
}

export function importIntoPlan(planId: string, upload: PlanUpload): Promise<PlanImportReport> {
  const form = new FormData()
  form.append('file', upload.file)
  const { onProgress, signal } = upload
  const query = { ...upload.options }
  return sendForm(planPath(planId, 'import'), { form, query, headers: ifMatch(upload.revision), onProgress, signal })
}

export interface ExportChoice {
  format: string
  level: number | null
  on: string
  datum: string
  encoding: string
}

export const exportGrids = (choice: ExportChoice): Promise<Download> =>
  download('/v1/grids/export', { query: { ...choice }, timeoutMs: LONG_MS })
