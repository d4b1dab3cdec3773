import { addProtocol } from 'maplibre-gl'
import { FetchSource, PMTiles, Protocol, type RangeResponse } from 'pmtiles'

import { tokenOrSignOut } from '@/shared/api/client'
import { freshToken } from '@/shared/api/tokens'

let protocol: Protocol | null = null
const files = new Map<string, PMTiles>()

/** Ranges of the file carry the bearer token, which is renewed before it ends. */
class AuthorisedSource extends FetchSource {
  override async getBytes(offset: number, length: number, signal?: AbortSignal, etag?: string): Promise<RangeResponse> {
    this.setHeaders(new Headers({ Authorization: `Bearer ${await tokenOrSignOut(freshToken)}` }))
    return super.getBytes(offset, length, signal, etag)
  }
}

/** The file behind an address of this site, readable by the map as `pmtiles://address`. */
export function openPmtiles(address: string): PMTiles {
  if (!protocol) {
    protocol = new Protocol()
    addProtocol('pmtiles', protocol.tile)
  }
  const url = new URL(address, window.location.origin).href
  const known = files.get(url)
  if (known) return known
  const file = new PMTiles(new AuthorisedSource(url))
  protocol.add(file)
  files.set(url, file)
  return file
}
