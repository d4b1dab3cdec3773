import { computed, ref, shallowRef, watch, type ComputedRef, type Ref as VueRef, type ShallowRef } from 'vue'

import { useLoad, type Load } from '@/shared/composables/useLoad'

import { conflictOf, type Conflict } from './conflict'
import { fetchPlan, fetchWorld, sendEdit, type Edit } from './planApi'
import type { PlanDetail, PlannedFeature, PlannedGrid, PlannedWorld, Ref } from './types'

/** Something a person wants done to the plan; kept when somebody else was faster, to be done again. */
export interface Intent {
  send: (revision: number) => Promise<PlanDetail | null>
  done?: (plan: PlanDetail) => void
}

export interface PlanState {
  plan: Readonly<ShallowRef<PlanDetail | null>>
  load: Load<PlanDetail>
  world: Load<PlannedWorld>
  grids: ComputedRef<ReadonlyMap<Ref, PlannedGrid>>
  features: ComputedRef<ReadonlyMap<Ref, PlannedFeature>>
  isBusy: Readonly<VueRef<boolean>>
  /** Why the last thing was refused; the drawing is still there. */
  refusal: ShallowRef<unknown>
  conflict: ShallowRef<(Conflict & { intent: Intent }) | null>
  perform: (intent: Intent) => Promise<boolean>
  edit: (edit: Edit, done?: () => void) => Promise<boolean>
  refresh: () => Promise<void>
}

/** A plan with the street as it will be. Every change names the revision that this page has seen. */
export function usePlan(planId: () => string): PlanState {
  const plan = shallowRef<PlanDetail | null>(null)
  const load = useLoad(planId, (id, signal) => fetchPlan(id, { signal }))
  const world = useLoad(planId, (id, signal) => fetchWorld(id, { signal }))
  const isBusy = ref(false)
  const refusal = shallowRef<unknown>(null)
  const conflict = shallowRef<(Conflict & { intent: Intent }) | null>(null)
  watch(load.value, (loaded) => (plan.value = loaded), { immediate: true })

  async function refresh(): Promise<void> {
    await Promise.all([load.reload({ quiet: true }), world.reload()])
  }

  async function perform(intent: Intent): Promise<boolean> {
    const seen = plan.value
    if (!seen || isBusy.value) return false
    isBusy.value = true
    refusal.value = conflict.value = null
    try {
      const answer = await intent.send(seen.revision)
      if (answer) plan.value = answer
      intent.done?.(plan.value ?? seen)
      if (answer) await world.reload()
      else await refresh()
      return true
    } catch (caught) {
      await explain(caught, intent)
      return false
    } finally {
      isBusy.value = false
    }
  }

  async function explain(caught: unknown, intent: Intent): Promise<void> {
    const clash = conflictOf(caught)
    if (!clash) {
      refusal.value = caught
      return
    }
    // The newer state is shown first; what was drawn stays, and can be applied to it.
    await refresh()
    conflict.value = { ...clash, intent }
  }

  return {
    plan,
    load,
    world,
    grids: computed(() => new Map((world.value.value?.features ?? []).map(({ properties }) => [properties.ref, properties]))),
    features: computed(() => new Map((world.value.value?.features ?? []).map((feature) => [feature.properties.ref, feature]))),
    isBusy,
    refusal,
    conflict,
    perform,
    edit: (edit, done) =>
      perform({ send: (revision) => sendEdit(planId(), revision, edit).then(({ body }) => planIn(body)), done }),
    refresh,
  }
}

/** Some answers say only what was done; then the plan is read again. */
function planIn(body: unknown): PlanDetail | null {
  const detail = body as PlanDetail | null
  return detail && Array.isArray(detail.changes) ? detail : null
}
