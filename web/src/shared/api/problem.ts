/** One field that the server refused, from the `errors` member of a problem document. */
export interface FieldProblem {
  pointer: string
  code: string
  detail: string
}

/** The server answered with an error; `code` is stable, `title` and `detail` are for people. */
export class ApiProblem extends Error {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly detail: string | null
  readonly fields: FieldProblem[]
  /** Members beyond RFC 9457, for example `retry_after_s` or `locked_until`. */
  readonly extra: Record<string, unknown>
  readonly requestId: string | null

  constructor(status: number, body: Record<string, unknown>, requestId: string | null) {
    const title = textOf(body.title) ?? `HTTP ${status}`
    super(title)
    this.name = 'ApiProblem'
    this.status = status
    this.code = textOf(body.code) ?? `http-${status}`
    this.title = title
    this.detail = textOf(body.detail)
    this.fields = Array.isArray(body.errors) ? (body.errors as FieldProblem[]) : []
    this.extra = body
    this.requestId = requestId ?? textOf(body.instance)
  }

  /** Seconds the server asks us to wait, from the body or from `Retry-After`. */
  get retryAfterSeconds(): number | null {
    const seconds = Number(this.extra.retry_after_s)
    return Number.isFinite(seconds) && seconds > 0 ? seconds : null
  }

  /** Until when an account is locked, where the server says so. */
  get lockedUntil(): Date | null {
    const moment = new Date(textOf(this.extra.locked_until) ?? '')
    return Number.isNaN(moment.getTime()) ? null : moment
  }
}

/** No answer at all: no network, server down, or it took too long. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super('The server cannot be reached', { cause })
    this.name = 'Unreachable'
  }
}

/** Reads an error response, whether or not it is a problem document. */
export async function problemFrom(response: Response): Promise<ApiProblem> {
  const body: unknown = await response.json().catch(() => ({}))
  return new ApiProblem(response.status, isRecord(body) ? body : {}, response.headers.get('X-Request-Id'))
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
