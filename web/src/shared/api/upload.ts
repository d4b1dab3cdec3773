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

/** Posts a form with a file. XMLHttpRequest, because fetch tells nothing about upload progress. */
export async function sendForm<Result>(path: string, upload: FormUpload): Promise<Result> {
  const address = path + queryText(upload.query)
  const first = await post(address, upload, await tokenOrSignOut(freshToken))
  const answer = first.status === 401 ? await post(address, upload, await tokenOrSignOut(renewToken)) : first
  const body = parsed(answer.responseText)
  if (answer.status >= 200 && answer.status < 300) return body as unknown as Result
  throw new ApiProblem(answer.status, body, answer.getResponseHeader('X-Request-Id'))
}

function post(address: string, upload: FormUpload, token: string): Promise<XMLHttpRequest> {
  const { form, headers, onProgress, signal } = upload
  const request = new XMLHttpRequest()
  return new Promise((resolve, reject) => {
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable && event.total) onProgress(event.loaded / event.total)
    })
    request.addEventListener('load', () => {
      serverAnswers.value = true
      resolve(request)
    })
    request.addEventListener('error', () => {
      serverAnswers.value = false
      reject(new Unreachable(null))
    })
    request.addEventListener('abort', () => reject(new DOMException('Cancelled', 'AbortError')))
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.open('POST', address)
    request.setRequestHeader('Authorization', `Bearer ${token}`)
    request.setRequestHeader('Accept-Language', currentLocale())
    for (const [name, value] of Object.entries(headers ?? {})) request.setRequestHeader(name, value)
    request.send(form)
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
