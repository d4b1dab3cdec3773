import { shallowRef, watch } from 'vue'

import { sendPhoto } from '@/shared/api/upload'
import { ApiProblem } from '@/shared/api/problem'
import { me } from '@/shared/session'

/** Photos on this phone, by the SHA-256 of their bytes, until the server has them. */

export interface KeptPhoto {
  hash: string
  person: string
  blob: Blob
  at: number
  /** A record that names it has been written: it may be sent. */
  ready: boolean
}

export const MAX_BYTES = 16 * 1024 * 1024
export const KINDS = ['image/jpeg', 'image/png', 'image/webp']
const KEPT_MS = 3 * 24 * 3600 * 1000 // of photos that were chosen and never used

const NAME = 'xunge-photos'
const TABLE = 'photos'
/** How many wait to be sent; and the share of the one on its way. */
export const photosWaiting = shallowRef(0)
export const photoProgress = shallowRef<number | null>(null)
/** How many the server could not read since the page was opened. */
export const photosRefused = shallowRef(0)
let db: Promise<IDBDatabase> | null = null

/** Why a file cannot be sent, as the key of a sentence; null when it can. */
export function refusalOf(file: Pick<File, 'type' | 'size'>): string | null {
  if (!KINDS.includes(file.type)) return 'my.photos.wrongKind'
  if (file.size > MAX_BYTES) return 'my.photos.tooLarge'
  return file.size === 0 ? 'my.photos.empty' : null
}

export async function hashOf(blob: Blob): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Browsers give hashes and storage to pages over https only. */
export const canSendPhotos = (): boolean => 'subtle' in crypto && 'indexedDB' in globalThis

function opened(): Promise<IDBDatabase> {
  db ??= new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(NAME, 1)
    request.addEventListener('upgradeneeded', () => request.result.createObjectStore(TABLE, { keyPath: ['person', 'hash'] }))
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error))
  }).catch((failure: unknown) => {
    db = null
    throw failure
  })
  return db
}

async function inTable<Result>(mode: IDBTransactionMode, ask: (table: IDBObjectStore) => IDBRequest<Result>): Promise<Result> {
  const database = await opened()
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(TABLE, mode)
    const request = ask(transaction.objectStore(TABLE))
    transaction.addEventListener('complete', () => resolve(request.result))
    transaction.addEventListener('abort', () => reject(transaction.error))
  })
}

export async function keepPhoto(blob: Blob): Promise<string> {
  const hash = await hashOf(blob)
  const person = me.value?.person_id ?? ''
  const photo: KeptPhoto = { hash, person, blob, at: Date.now(), ready: false }
  // Chosen again, it stays what it is.
  if (!(await photoOf(hash))) await inTable('readwrite', (table) => table.put(photo))
  return hash
}

export const photoOf = (hash: string): Promise<KeptPhoto | undefined> =>
  inTable('readonly', (table) => table.get([me.value?.person_id ?? '', hash]))

/** A record that names them is written: they may go. */
export async function releasePhotos(hashes: readonly string[]): Promise<void> {
  for (const hash of hashes) {
    const photo = await photoOf(hash)
    if (photo) await inTable('readwrite', (table) => table.put({ ...photo, ready: true }))
  }
  if (hashes.length) await countPhotos()
}

async function forgetPhoto({ person, hash }: KeptPhoto): Promise<void> {
  await inTable('readwrite', (table) => table.delete([person, hash]))
}

async function ownPhotos(): Promise<KeptPhoto[]> {
  if (!me.value || !canSendPhotos()) return []
  const person = me.value.person_id
  const all = await inTable('readonly', (table) => table.getAll() as IDBRequest<KeptPhoto[]>).catch(() => [])
  return all.filter((photo) => photo.person === person)
}

export async function countPhotos(): Promise<void> {
  photosWaiting.value = (await ownPhotos()).filter(({ ready }) => ready).length
}
if ('window' in globalThis) watch(() => me.value?.person_id, () => void countPhotos(), { immediate: true })

/** Sends what may go, one after the other. Raises what leaves open if more can be sent now. */
export async function sendPhotos(): Promise<number> {
  let sent = 0
  try {
    for (const photo of await ownPhotos()) {
      if (!photo.ready) {
        if (Date.now() - photo.at > KEPT_MS) await forgetPhoto(photo)
        continue
      }
      photoProgress.value = 0
      await sendOne(photo)
      await forgetPhoto(photo)
      sent += 1
      photosWaiting.value -= 1
    }
  } finally {
    photoProgress.value = null
    await countPhotos()
  }
  return sent
}

async function sendOne({ hash, blob }: KeptPhoto): Promise<void> {
  try {
    await sendPhoto(hash, blob, (share) => (photoProgress.value = share))
  } catch (failure) {
    // A picture that the server cannot read will not be read later either.
    const isHopeless = failure instanceof ApiProblem && [413, 415, 422].includes(failure.status)
    if (!isHopeless) throw failure
    photosRefused.value += 1
  }
}
