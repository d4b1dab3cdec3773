import type { Feature, FeatureCollection } from 'geojson'

import type { Bbox } from '@/shared/api/types'

import type { Position, TrackDocument } from './types'

/** Tracks as the small map draws them: each line with whose it is and what is known of it. */

export type Whose = 'this' | 'other'

export function drawnTrack(track: TrackDocument, whose: Whose): Feature[] {
  return track.features
    .filter(({ geometry }) => geometry !== null)
    .map(({ geometry, properties }) => ({
      type: 'Feature',
      geometry: geometry as Feature['geometry'],
      properties: { whose, kind: properties.kind, name: properties.name ?? '' },
    }))
}

export function drawnTracks(own: TrackDocument | null, other: TrackDocument | null): FeatureCollection {
  const features = [...(other ? drawnTrack(other, 'other') : []), ...(own ? drawnTrack(own, 'this') : [])]
  return { type: 'FeatureCollection', features }
}

/** The box around some tracks; null when they show no position. */
export function boxOf(tracks: readonly (TrackDocument | null)[]): Bbox | null {
  const positions = tracks.flatMap((track) => (track?.features ?? []).flatMap(({ geometry }) => positionsOf(geometry)))
  if (!positions.length) return null
  const lons = positions.map(([lon]) => lon)
  const lats = positions.map(([, lat]) => lat)
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)]
}

function positionsOf(geometry: TrackDocument['features'][number]['geometry']): Position[] {
  if (geometry === null) return []
  return geometry.type === 'Point' ? [geometry.coordinates] : geometry.coordinates
}

export interface Gap {
  from: string
  to: string
  zh: string
  en: string
}

/** The times of which the track says nothing. */
export function gapsIn(track: TrackDocument): Gap[] {
  return track.features.flatMap(({ properties: { kind, from_at: from, to_at: to, zh = '', en = '' } }) =>
    kind === 'gap' && from && to ? [{ from, to, zh, en }] : [],
  )
}

/** First and last moment of what was walked. */
export function spanOf(track: TrackDocument): { from: string; to: string } | null {
  const walked = track.features.filter(({ properties }) => properties.kind === 'walked')
  const from = walked[0]?.properties.from_at
  const to = walked.at(-1)?.properties.to_at
  return from && to ? { from, to } : null
}
