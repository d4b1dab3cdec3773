import { onBeforeUnmount, readonly, ref, watch, type Ref } from 'vue'

import { me } from '@/shared/session'

import { fetchReminders } from './myApi'

const ASK_MS = 120_000
const SHOWN = 99 // of one page; nobody counts further

const unseen = ref(0)
watch(me, () => {
  unseen.value = 0
})

/** How many reminders wait to be read, one figure for all pages. */
export function useUnseen(): { unseen: Readonly<Ref<number>>; ask: () => Promise<void> } {
  async function ask(): Promise<void> {
    if (!me.value || document.visibilityState !== 'visible') return
    // A badge is no reason to trouble anybody: without an answer the figure stays as it was.
    const page = await fetchReminders({ unseen: true, limit: SHOWN }).catch(() => null)
    if (page) unseen.value = page.items.length
  }
  const timer = window.setInterval(() => void ask(), ASK_MS)
  onBeforeUnmount(() => window.clearInterval(timer))
  void ask()
  return { unseen: readonly(unseen), ask }
}
