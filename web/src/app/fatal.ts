import { shallowRef } from 'vue'

/** The failure that stopped a page, shown instead of a half-drawn one; null while all is well. */
export const fatalError = shallowRef<unknown>(null)
