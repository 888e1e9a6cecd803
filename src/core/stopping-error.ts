/** What is said to whoever asks something of a worker that stops. */
import { StokerError } from './errors.ts'

export function stoppingError(): StokerError {
  return new StokerError('WORKER_STOPPING', 'the worker is stopping', {
    retryable: true,
    hint: 'ask again when it has been started',
  })
}
