import type { Download } from '@/shared/api/client'

/** Hands a file to the browser's downloads. */
export function saveFile({ content, name }: Download, otherwise: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name ?? otherwise
  link.click()
  URL.revokeObjectURL(link.href)
}
