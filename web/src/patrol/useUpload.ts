import { computed, onScopeDispose, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import { isAbort } from '@/shared/api/client'
import { fetchPatrol } from '@/shared/api/endpoints'
import type { Patrol } from '@/shared/api/types'
import { uploadTrack } from '@/shared/api/upload'

const ASK_MS = 2000
const GIVE_UP_MS = 90_000

export type UploadStep = 'choose' | 'sending' | 'judging' | 'done' | 'failed'

export interface UploadState {
  step: ComputedRef<UploadStep>
  /** Share of the bytes that the server has. */
  progress: Ref<number>
  patrol: ShallowRef<Patrol | null>
  failure: ShallowRef<unknown>
  start: (file: File, gridCode: string) => Promise<void>
  reset: () => void
}

/** One upload from choosing the file to the verdict. */
export function useUpload(onChange: () => void): UploadState {
  const isSending = ref(false)
  const progress = ref(0)
  const patrol = shallowRef<Patrol | null>(null)
  const failure = shallowRef<unknown>(null)
  let controller: AbortController | null = null

  const step = computed<UploadStep>(() => {
    if (isSending.value) return 'sending'
    if (failure.value) return 'failed'
    if (!patrol.value) return 'choose'
    return patrol.value.state === 'judged' ? 'done' : 'judging'
  })

  async function start(file: File, gridCode: string): Promise<void> {
    reset()
    const { signal } = (controller = new AbortController())
    isSending.value = true
    try {
      const onProgress = (share: number): void => {
        progress.value = share
      }
      patrol.value = await uploadTrack({ file, gridCode, onProgress, signal })
      isSending.value = false
      onChange()
      await followVerdict(signal)
    } catch (caught) {
      if (!isAbort(caught) && !patrol.value) failure.value = caught
    } finally {
      if (controller?.signal === signal) isSending.value = false
    }
  }

  /** Asks for the verdict until it is there; who waits longer finds it in the list later. */
  async function followVerdict(signal: AbortSignal): Promise<void> {
    const until = Date.now() + GIVE_UP_MS
    while (patrol.value && patrol.value.state !== 'judged' && Date.now() < until && !signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, ASK_MS))
      if (signal.aborted) return
      patrol.value = await fetchPatrol(patrol.value.id, { signal })
    }
    onChange()
  }

  function reset(): void {
    controller?.abort()
    controller = null
    isSending.value = false
    progress.value = 0
    patrol.value = null
    failure.value = null
  }

  onScopeDispose(() => controller?.abort())
  return { step, progress, patrol, failure, start, reset }
}
