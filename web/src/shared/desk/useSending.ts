import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import { fieldProblems, isForWhole } from './fieldProblems'

export interface Sending {
  failure: Readonly<ShallowRef<unknown>>
  isBusy: Readonly<Ref<boolean>>
  /** What the server says about each field. */
  wrong: ComputedRef<Record<string, string>>
  /** Whether the failure belongs to no field that the form shows. */
  isWhole: ComputedRef<boolean>
  /** True when the server took it; nothing more is sent meanwhile. */
  send: (work: () => Promise<unknown>) => Promise<boolean>
  /** Puts the failure away. */
  forgive: () => void
}

/** A form on its way to the server: busy meanwhile, with the server's problems beside its fields after it. */
export function useSending(fields: readonly string[], names: Record<string, string> = {}): Sending {
  const failure = shallowRef<unknown>(null)
  const isBusy = ref(false)
  return {
    failure,
    isBusy,
    wrong: computed(() => fieldProblems(failure.value, names)),
    isWhole: computed(() => isForWhole(failure.value, fields, names)),
    send: async (work) => {
      if (isBusy.value) return false
      isBusy.value = true
      failure.value = null
      try {
        await work()
        return true
      } catch (caught) {
        failure.value = caught
        return false
      } finally {
        isBusy.value = false
      }
    },
    forgive: () => {
      failure.value = null
    },
  }
}
