/** Whether a file is of one of the kinds that its suffix can tell. */
export const hasSuffix = (fileName: string, suffixes: readonly string[]): boolean =>
  suffixes.some((suffix) => fileName.toLowerCase().endsWith(suffix))
