/** What an export is of: the whole server, all its patients, or a Group of them. */
export type ExportLevel =
  { readonly kind: 'system' } | { readonly kind: 'patient' } | { readonly kind: 'group'; readonly id: string }
