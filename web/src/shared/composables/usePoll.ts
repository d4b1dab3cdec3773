import { onScopeDispose } from 'vue'

const SLOWEST_MS = 60_000

/**
 * Runs `work` every `everyMs` while the page is visible, at once when it becomes visible again, and ever more slowly
 * while it fails, so that a server in trouble is left in peace.
 */
export function usePoll(work: () => Promise<void>, everyMs: number): void {
  let failures = 0
  let timer: number | undefined

  function schedule(): void {
    window.clearTimeout(timer)
    timer = window.setTimeout(tick, Math.min(SLOWEST_MS, everyMs * 2 ** failures))
  }

  async function tick(): Promise<void> {
    if (document.visibilityState === 'visible') {
      try {
        await work()
        failures = 0
      } catch {
        failures = Math.min(failures + 1, 8)
      }
    }
    schedule()
  }

  function onVisible(): void {
    if (document.visibilityState !== 'visible') return
    window.clearTimeout(timer)
    void tick()
  }

  schedule()
  document.addEventListener('visibilitychange', onVisible)
  window.addEventListener('online', onVisible)
  onScopeDispose(() => {
    window.clearTimeout(timer)
    document.removeEventListener('visibilitychange', onVisible)
    window.removeEventListener('online', onVisible)
  })
}
