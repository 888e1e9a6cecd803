/** SQL text: quoting of names and literals. Everything from outside that enters SQL text goes through here. */

/** An identifier in double quotes. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A string literal in single quotes. */
export function sqlText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}
