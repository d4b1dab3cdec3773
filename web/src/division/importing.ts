/** Which files can be imported, and what their fields can be read as. */

export const FILE_SUFFIXES = ['.geojson', '.json', '.gpkg', '.zip', '.kml', '.kmz', '.csv', '.xlsx'] as const

export const MAPPED_PROPERTIES = ['code', 'name', 'level', 'parent', 'kind', 'households', 'object_code'] as const

/** The declared fields as the server reads them, or nothing when all are left to be recognised. */
export function mappingText(fields: Readonly<Record<string, string>>): string {
  const declared = Object.entries(fields)
    .map(([property, field]) => [property, field.trim()] as const)
    .filter(([, field]) => field !== '')
  return declared.length ? JSON.stringify(Object.fromEntries(declared)) : ''
}
