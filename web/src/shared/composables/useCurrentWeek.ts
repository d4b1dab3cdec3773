import { onScopeDispose, readonly, ref, type Ref } from 'vue'

import { currentWeek } from '../format/week'

/** The week of now; a page left open over Sunday night moves on by itself. */
export function useCurrentWeek(): Readonly<Ref<string>> {
  const week = ref(currentWeek())
  const timer = window.setInterval(() => {
    week.value = currentWeek()
  }, 30_000)
  onScopeDispose(() => window.clearInterval(timer))
  return readonly(week)
}
