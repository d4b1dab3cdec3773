import { ApiProblem, Unreachable, isRecord } from './problem'
import { queryText, serverAnswers, tokenOrSignOut, type Query } from './client'
import { freshToken, renewToken } from './tokens'
import type { Patrol } from './types'
import { currentLocale } from '../i18n'

export interface Upload {
  file: File
  gridCode: string
  onProgress: (share: number) => void
  signal: AbortSignal
}

/** Sends a GPX track as a patrol of a grid. */
export function uploadTrack({ file, gridCode, onProgress, signal }: Upload): Promise<Patrol> {
  const form = new FormData()
  form.append('grid_code', gridCode)
  form.append('file', file)
  return sendForm<Patrol>('/v1/patrols/import', { form, onProgress, signal })
}

export interface FormUpload {
  form: FormData
  query?: Query
  headers?: Record<string, string>
  onProgress: (share: number) => void
  signal: AbortSignal
}

/** Posts a form with a file. */
export async function sendForm<Result>(path: string, { form, query, ...upload }: FormUpload): Promise<Result> {
  return (await transferred('POST', path + queryText(query), { ...upload, body: form })) as Result
}

/** Puts a photo under the SHA-256 of its bytes; a repeat changes nothing. */
export async function sendPhoto(hash: string, photo: Blob, onProgress: (share: number) => void): Promise<void> {
  const headers = { 'Content-Type': photo.type }
  const { signal } = new AbortController()
  await transferred('PUT', `/v1/photos/${hash}`, { body: photo, headers, onProgress, signal, timeoutMs: PHOTO_MS })
}

const PHOTO_MS = 300_000 // 16 MiB in a stairwell

interface Transfer {
  body: FormData | Blob
  headers?: Record<string, string>
  onProgress: (share: number) => void
  signal: AbortSignal
  timeoutMs?: number
}

async function transferred(method: 'POST' | 'PUT', address: string, what: Transfer): Promise<unknown> {
  const first = await transfer(method, address, what, await tokenOrSignOut(freshToken))
  const answer = first.status === 401 ? await transfer(method, address, what, await tokenOrSignOut(renewToken)) : first
  const body = parsed(answer.responseText)
  if (answer.status >= 200 && answer.status < 300) return body
  throw new ApiProblem(answer.status, body, answer.getResponseHeader('X-Request-Id'))
}

// XMLHttpRequest, because fetch tells nothing about upload progress.
function transfer(
  method: 'POST' | 'PUT',
  address: string,
  { body, headers, onProgress, signal, timeoutMs = 0 }: Transfer,
  token: string,
): Promise<XMLHttpRequest> {
  const request = new XMLHttpRequest()
  return new Promise((resolve, reject) => {
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable && event.total) onProgress(event.loaded / event.total)
    })
    request.addEventListener('load', () => {
      serverAnswers.value = true
      resolve(request)
    })
    for (const end of ['error', 'timeout']) {
      request.addEventListener(end, () => {
        serverAnswers.value = false
        reject(new Unreachable(null))
      })
    }
    request.addEventListener('abort', () => reject(new DOMException('Cancelled', 'AbortError')))
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.open(method, address)
    request.timeout = timeoutMs
    request.setRequestHeader('Authorization', `Bearer ${token}`)
    request.setRequestHeader('Accept-Language', currentLocale())
    for (const [name, value] of Object.entries(headers ?? {})) request.setRequestHeader(name, value)
    request.send(body)
  })
}

function parsed(text: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text)
    return isRecord(body) ? body : {}
  } catch {
    return {}
  }
}
