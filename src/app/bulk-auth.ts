/** The configured auth as the protocol client takes it: here, and only here, secrets are unwrapped. */
import type { BulkAuth } from '../bulk/auth/tokens.ts'
import type { AuthConfig } from './config-auth.ts'

export function bulkAuth(config: AuthConfig): BulkAuth {
  switch (config.kind) {
    case 'none':
      return config
    case 'private-key-jwt': {
      const { keyText, ...rest } = config
      return { ...rest, keyText: keyText.reveal() }
    }
    case 'client-secret': {
      const { secret, ...rest } = config
      return { ...rest, secret: secret.reveal() }
    }
    case 'bearer':
      return { kind: 'bearer', token: config.token.reveal() }
  }
}
