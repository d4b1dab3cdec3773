/** A building's outline as an SVG path in a square. Pure. */

type Ring = [number, number][]

interface Shape {
  type: 'Polygon' | 'MultiPolygon'
  coordinates: unknown
}

/** North up, true proportions, fitted into `size` with a margin; null when there is nothing to draw. */
export function outlinePath({ type, coordinates }: Shape, size: number, margin = 6): string | null {
  const polygons = (type === 'Polygon' ? [coordinates] : coordinates) as Ring[][]
  const rings = polygons.flat()
  const points = rings.flat()
  if (!points.length) return null
  const [lons, lats] = [points.map(([lon]) => lon), points.map(([, lat]) => lat)]
  const [west, east, south, north] = [Math.min(...lons), Math.max(...lons), Math.min(...lats), Math.max(...lats)]
  // A degree of longitude is shorter than one of latitude.
  const squeeze = Math.cos((((south + north) / 2) * Math.PI) / 180)
  const scale = (size - 2 * margin) / Math.max((east - west) * squeeze, north - south, 1e-9)
  const x = (lon: number): number => size / 2 + (lon - (west + east) / 2) * squeeze * scale
  const y = (lat: number): number => size / 2 - (lat - (south + north) / 2) * scale
  return rings.map((ring) => `M${ring.map(([lon, lat]) => `${x(lon).toFixed(1)} ${y(lat).toFixed(1)}`).join('L')}Z`).join('')
}

export const placeText = ([lon, lat]: [number, number]): string => `${lon.toFixed(6)}, ${lat.toFixed(6)}`
