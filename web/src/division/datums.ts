/** What a file's coordinates may be measured in; the names are those that map makers use. */

export interface DatumChoice {
  value: string
  /** Key below `division.datum`, or null where the value names itself. */
  word: string | null
}

/** Three-degree zones of CGCS2000 with false easting 500 km: EPSG 4547 (central meridian 114°) to 4554 (135°). */
const ZONES: readonly [epsg: number, meridian: number][] = [
  [4547, 114],
  [4548, 117],
  [4549, 120],
  [4550, 123],
  [4551, 126],
  [4552, 129],
  [4553, 132],
  [4554, 135],
]

export const OTHER_DATUM = 'other'

export const DATUM_CHOICES: readonly DatumChoice[] = [
  { value: 'EPSG:4490', word: 'cgcs2000' },
  { value: 'EPSG:4326', word: 'wgs84' },
  { value: 'GCJ02', word: 'gcj02' },
  { value: 'BD09', word: 'bd09' },
]

export const ZONE_CHOICES = ZONES.map(([epsg, meridian]) => ({ value: `EPSG:${epsg}`, meridian }))

/** Whether a text can name a reference system: an EPSG code or a proj string. The server has the last word. */
export function isDatum(text: string): boolean {
  const wanted = text.trim()
  if (DATUM_CHOICES.some(({ value }) => value === wanted)) return true
  return /^EPSG:\d{4,6}$/i.test(wanted) || /^\+proj=\S+/.test(wanted)
}

/** The datum to declare to the server, or null while the choice "other" is not filled in. */
export function declaredDatum(choice: string, other: string): string | null {
  const datum = choice === OTHER_DATUM ? other.trim() : choice
  if (!isDatum(datum)) return null
  return /^epsg:/i.test(datum) ? datum.toUpperCase() : datum
}
