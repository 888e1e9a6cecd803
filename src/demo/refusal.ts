/** A request the demo server turns down: HTTP status and the OperationOutcome that says why. */
import type { FhirResource } from './resource.ts'

export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  /** A code of hl7.org/fhir/R4/valueset-issue-type.html. */
  readonly issue: string
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, issue: string, diagnostics: string, headers: Readonly<Record<string, string>> = {}) {
    super(diagnostics)
    this.status = status
    this.issue = issue
    this.headers = headers
  }
}

/** A refusal by something that knows nothing of FHIR: an HTML page, and no headers of use. */
export class HtmlRefusal extends Refusal {
  constructor(status: number, message: string) {
    super(status, 'unknown', message)
  }
}

export function operationOutcome(severity: 'error' | 'information', code: string, diagnostics: string): FhirResource {
  return { resourceType: 'OperationOutcome', issue: [{ severity, code, diagnostics }] }
}
