import { nextTick, onBeforeUnmount, watch, type Ref } from 'vue'

/**
 * The back button of the phone closes an open sheet and stays on the page, also where there is nothing to go back to.
 * An open sheet is a second entry of the same address; `settled` is when that is gone again, before going elsewhere.
 */
export function useBackCloses(open: Ref<boolean>): { settled: () => Promise<void> } {
  let isAhead = false
  let settling = Promise.resolve()

  function back(): void {
    isAhead = false
    window.removeEventListener('popstate', back)
    open.value = false
  }
  function follow(isOpen: boolean): void {
    if (isOpen && !isAhead) {
      isAhead = true
      window.history.pushState({ ...(window.history.state as object) }, '')
      window.addEventListener('popstate', back)
    } else if (!isOpen && isAhead) {
      settling = new Promise((resolve) => window.addEventListener('popstate', () => resolve(), { once: true }))
      window.history.back()
    }
  }
  watch(open, follow, { immediate: true })
  onBeforeUnmount(() => window.removeEventListener('popstate', back))

  return { settled: () => nextTick().then(() => settling) }
}
