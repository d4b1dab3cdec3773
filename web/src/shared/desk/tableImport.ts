/** A table on its way to the server, and what every report on one says. */

export interface TableUpload {
  file: File
  isDry: boolean
  signal: AbortSignal
}

export interface TableReport {
  dry_run: boolean
  imported: boolean
  rejected: readonly unknown[]
}
