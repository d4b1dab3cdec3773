import { write, type Call } from '@/shared/api/client'
import type { Checkpoint } from '@/places/types'

/** The checkpoint whose plate holds this token. The token goes in the body: addresses are written down. */
export const resolvePlate = (token: string, call: Call = {}): Promise<Checkpoint> =>
  write<{ checkpoint: Checkpoint }>('POST', '/v1/checkpoints/resolve', { ...call, body: { token } }).then(
    ({ body }) => body.checkpoint,
  )
