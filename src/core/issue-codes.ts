/**
 * What of an OperationOutcome can be told to everybody: codes of FHIR's own lists. Some servers put a sentence, or a name,
 * where a code belongs.
 */

/** http://hl7.org/fhir/issue-severity, of all releases. */
export const ISSUE_SEVERITIES = ['fatal', 'error', 'warning', 'information', 'success'] as const

/** http://hl7.org/fhir/issue-type, of all releases. */
export const ISSUE_CODES = [
  ...['invalid', 'structure', 'required', 'value', 'invariant'],
  ...['security', 'login', 'unknown', 'expired', 'forbidden', 'suppressed'],
  ...['processing', 'not-supported', 'duplicate', 'multiple-matches', 'not-found', 'deleted', 'too-long'],
  ...['code-invalid', 'extension', 'too-costly', 'business-rule', 'conflict', 'limited-filter'],
  ...['transient', 'lock-error', 'no-store', 'exception', 'timeout', 'incomplete', 'throttled'],
  ...['informational', 'success'],
] as const
