import { computed, ref, watch, type ComputedRef, type Ref as VueRef } from 'vue'

import { SKETCHES, obstacleOf, type Obstacle, type Selected, type Tool } from './tools'
import type { PlanState } from './usePlan'
import type { Ref } from './types'

export interface DivisionTools {
  level: VueRef<number>
  tool: VueRef<Tool>
  refs: VueRef<Ref[]>
  selected: ComputedRef<Selected[]>
  obstacle: (tool: Tool) => Obstacle | null
  select: (ref: Ref | null, isAdding: boolean) => void
  choose: (tool: Tool) => void
  isSketching: ComputedRef<boolean>
}

/** What is selected on the plan's map, and with which tool one works on it. */
export function useDivisionTools(state: PlanState): DivisionTools {
  const level = ref(2)
  const tool = ref<Tool>('select')
  const refs = ref<Ref[]>([])
  const selected = computed<Selected[]>(() =>
    refs.value.flatMap((wanted) => {
      const feature = state.features.value.get(wanted)
      return feature ? [{ grid: feature.properties, hasShape: feature.geometry !== null }] : []
    }),
  )
  const obstacle = (wanted: Tool): Obstacle | null => obstacleOf(wanted, selected.value)

  // What another edit removed cannot stay selected.
  watch(state.features, (features) => {
    const standing = refs.value.filter((wanted) => features.has(wanted))
    if (standing.length !== refs.value.length) refs.value = standing
  })
  watch(level, () => {
    if (tool.value === 'select') refs.value = []
  })

  function select(wanted: Ref | null, isAdding: boolean): void {
    if (wanted === null) {
      if (!isAdding && tool.value === 'select') refs.value = []
      return
    }
    const isMany = isAdding || tool.value === 'merge'
    if (!isMany) refs.value = [wanted]
    else if (refs.value.includes(wanted)) refs.value = refs.value.filter((known) => known !== wanted)
    else refs.value = [...refs.value, wanted]
  }

  return {
    level,
    tool,
    refs,
    selected,
    obstacle,
    select,
    choose: (wanted) => (tool.value = wanted),
    isSketching: computed(() => SKETCHES[tool.value] !== undefined),
  }
}
