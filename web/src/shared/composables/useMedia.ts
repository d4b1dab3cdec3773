import { onScopeDispose, readonly, ref, type Ref } from 'vue'

/** Below this width panels become sheets at the bottom. */
export const NARROW = '(width < 820px)'

export function useMedia(query: string): Readonly<Ref<boolean>> {
  const media = window.matchMedia(query)
  const matches = ref(media.matches)
  const update = (): void => {
    matches.value = media.matches
  }
  media.addEventListener('change', update)
  onScopeDispose(() => media.removeEventListener('change', update))
  return readonly(matches)
}
