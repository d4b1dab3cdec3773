import { ApiProblem, Unreachable, isRecord } from './problem'
import { serverAnswers, tokenOrSignOut } from './client'
import { freshToken, renewToken } from './tokens'
import type { Patrol } from './types'
import { currentLocale } from '../i18n'

export interface Upload {
  file: File
  gridCode: string
  onProgress: (share: number) => void
  signal: AbortSignal
}

/** Sends a GPX track as a patrol of a grid. XMLHttpRequest, because fetch tells nothing about upload progress. */
export async function uploadTrack(upload: Upload): Promise<Patrol> {
  const first = await post(upload, await tokenOrSignOut(freshToken))
  const answer = first.status === 401 ? await post(upload, await tokenOrSignOut(renewToken)) : first
  const body = parsed(answer.responseText)
  if (answer.status >= 200 && answer.status < 300) return body as unknown as Patrol
  throw new ApiProblem(answer.status, body, answer.getResponseHeader('X-Request-Id'))
}

function post({ file, gridCode, onProgress, signal }: Upload, token: string): Promise<XMLHttpRequest> {
  const form = new FormData()
  form.append('grid_code', gridCode)
  form.append('file', file)
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
    request.open('POST', '/v1/patrols/import')
    request.setRequestHeader('Authorization', `Bearer ${token}`)
    request.setRequestHeader('Accept-Language', currentLocale())
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
