import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import { useLoad, type Load } from '@/shared/composables/useLoad'

import { STATES, type Filter } from './due'
import { fetchDueHouseholds, nearQuery, type Due, type DuePage, type Here } from './visitApi'

const PAGE = 50
const WHOLE = 200 // the largest page that the server gives
const MOST = 1000 // of which a phone searches or sorts

/** The households to visit: page by page, or whole where they are searched or sorted by nearness. */
export function useDueList(
  filter: Ref<Filter>,
  here: Readonly<ShallowRef<Here | null>>,
  isWhole: ComputedRef<boolean>,
): {
  first: Load<DuePage>
  items: ComputedRef<Due[]>
  hasMore: ComputedRef<boolean>
  isAsking: Ref<boolean>
  failure: ShallowRef<unknown>
  more: () => Promise<void>
} {
  const items = shallowRef<Due[]>([])
  const next = ref<string | null>(null)
  const isAsking = ref(false)
  const failure = shallowRef<unknown>(null)
  const limit = computed(() => (isWhole.value ? WHOLE : PAGE))
  const key = computed(() => JSON.stringify([filter.value, here.value, isWhole.value]))

  function ask(after: string | null, signal?: AbortSignal): Promise<DuePage> {
    const query = { ...nearQuery(here.value), limit: limit.value, after }
    return fetchDueHouseholds(query, STATES[filter.value], signal ? { signal } : {})
  }

  const first = useLoad(
    () => key.value,
    async (_, signal) => {
      const page = await ask(null, signal)
      const found = [...page.items]
      let after = page.next
      while (isWhole.value && after !== null && found.length < MOST) {
        const further = await ask(after, signal)
        found.push(...further.items)
        after = further.next
      }
      items.value = found
      next.value = after
      failure.value = null
      return page
    },
  )

  async function more(): Promise<void> {
    const asked = key.value
    if (next.value === null || isAsking.value) return
    isAsking.value = true
    failure.value = null
    try {
      const page = await ask(next.value)
      if (asked !== key.value) return
      items.value = [...items.value, ...page.items]
      next.value = page.next
    } catch (caught) {
      failure.value = caught
    } finally {
      isAsking.value = false
    }
  }

  return { first, items: computed(() => items.value), hasMore: computed(() => next.value !== null), isAsking, failure, more }
}
