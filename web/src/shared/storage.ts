/** Browser storage that may be missing or refused (private windows): then nothing is remembered, and nothing breaks. */

export function readStored(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

/** Remembers a text, or forgets the key for null. */
export function store(key: string, text: string | null): void {
  try {
    if (text === null) localStorage.removeItem(key)
    else localStorage.setItem(key, text)
  } catch {
    // Nothing to do: the text is only lost for the next page load.
  }
}
