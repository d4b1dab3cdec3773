import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import type { Query } from '@/shared/api/client'
import type { Page } from '@/shared/api/types'
import { useLoad, type Load } from '@/shared/composables/useLoad'

export interface Pages<Item> {
  first: Load<Item[]>
  items: ComputedRef<Item[]>
  hasMore: ComputedRef<boolean>
  isAsking: Readonly<Ref<boolean>>
  failure: Readonly<ShallowRef<unknown>>
  more: () => Promise<void>
  /** Puts a changed item in the place of the old one. */
  replace: (isIt: (item: Item) => boolean, item: Item) => void
}

/** A long list, page after page; begins anew when what is asked for changes. */
export function usePages<Item>(
  query: () => Query | null,
  load: (query: Query, signal: AbortSignal | undefined) => Promise<Page<Item>>,
): Pages<Item> {
  const items = shallowRef<Item[]>([])
  const next = ref<string | null>(null)
  const failure = shallowRef<unknown>(null)
  const isAsking = ref(false)
  const key = computed(() => {
    const wanted = query()
    return wanted && JSON.stringify(wanted)
  })
  const first = useLoad(
    () => key.value,
    async (wanted, signal) => {
      items.value = []
      next.value = null
      failure.value = null
      const page = await load(JSON.parse(wanted) as Query, signal)
      items.value = page.items
      next.value = page.next
      return page.items
    },
  )

  async function more(): Promise<void> {
    const asked = key.value
    if (asked === null || next.value === null || isAsking.value) return
    isAsking.value = true
    failure.value = null
    try {
      const page = await load({ ...(JSON.parse(asked) as Query), after: next.value }, undefined)
      if (asked !== key.value) return
      items.value = [...items.value, ...page.items]
      next.value = page.next
    } catch (caught) {
      failure.value = caught
    } finally {
      isAsking.value = false
    }
  }

  return {
    first,
    items: computed(() => items.value),
    hasMore: computed(() => next.value !== null),
    isAsking,
    failure,
    more,
    replace: (isIt, item) => {
      items.value = items.value.map((known) => (isIt(known) ? item : known))
    },
  }
}
