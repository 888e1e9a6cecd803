/** Markup that is known to be escaped: what every part of a page gives. */
import type { html } from 'hono/html'

/** What hono's `html` tag gives: whatever stands in it as a plain string was escaped. */
export type Html = ReturnType<typeof html>
