import { computed, ref, shallowRef, watch, type ComputedRef, type Ref as VueRef, type ShallowRef } from 'vue'

import { isAbort } from '@/shared/api/client'

import { conflictOf } from './conflict'
import { fetchCheck, previewRepair } from './planApi'
import type { CheckReport, Faults, RepairInput, RepairReport } from './types'
import type { PlanState } from './usePlan'

export interface CheckState {
  report: ShallowRef<CheckReport | null>
  failure: ShallowRef<unknown>
  isRunning: VueRef<boolean>
  /** Whether the plan was changed after this report. */
  isStale: ComputedRef<boolean>
  chosen: VueRef<number | null>
  proposal: ShallowRef<{ report: RepairReport; input: RepairInput } | null>
  repairFailure: ShallowRef<unknown>
  isProposing: VueRef<boolean>
  /** What the map marks: the faults that there are, or those that a proposed repair would leave. */
  faults: ComputedRef<Faults | null>
  run: () => Promise<void>
  propose: (input: RepairInput) => Promise<void>
  dismiss: () => void
}

/** The check of a plan and the repair that can be proposed after it. */
export function useCheck(state: PlanState): CheckState {
  const report = shallowRef<CheckReport | null>(null)
  const failure = shallowRef<unknown>(null)
  const isRunning = ref(false)
  const checkedRevision = ref<number | null>(null)
  const chosen = ref<number | null>(null)
  const proposal = shallowRef<{ report: RepairReport; input: RepairInput } | null>(null)
  const repairFailure = shallowRef<unknown>(null)
  const isProposing = ref(false)
  const revision = computed(() => state.plan.value?.revision ?? null)
  let running: AbortController | null = null

  async function run(): Promise<void> {
    const plan = state.plan.value
    if (!plan) return
    running?.abort()
    const mine = (running = new AbortController())
    isRunning.value = true
    failure.value = null
    try {
      const answer = await fetchCheck(plan.plan_id, { signal: mine.signal })
      if (mine !== running) return
      report.value = answer
      checkedRevision.value = plan.revision
      chosen.value = null
    } catch (caught) {
      if (mine === running && !isAbort(caught)) failure.value = caught
    } finally {
      if (mine === running) isRunning.value = false
    }
  }

  async function propose(input: RepairInput): Promise<void> {
    const plan = state.plan.value
    if (!plan) return
    isProposing.value = true
    repairFailure.value = null
    try {
      proposal.value = { report: await previewRepair(plan.plan_id, plan.revision, input), input }
      chosen.value = null
    } catch (caught) {
      repairFailure.value = caught
      if (conflictOf(caught)) await state.refresh()
    } finally {
      isProposing.value = false
    }
  }

  function dismiss(): void {
    proposal.value = null
    repairFailure.value = null
  }

  // A proposal was made for the plan as it was.
  watch(revision, () => (proposal.value = null))

  return {
    report,
    failure,
    isRunning,
    isStale: computed(() => report.value !== null && checkedRevision.value !== revision.value),
    chosen,
    proposal,
    repairFailure,
    isProposing,
    faults: computed(() => proposal.value?.report.faults ?? report.value?.faults ?? null),
    run,
    propose,
    dismiss,
  }
}
