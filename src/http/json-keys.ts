/** Keys of JSON for programs: snake_case, as the columns of the tables are. */

/** For `JSON.stringify`. Keys that begin with a capital (`Patient`) are names, and stay as they are. */
export function snakeKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [snakeCase(key), each]))
}

function snakeCase(key: string): string {
  return /^[a-z][A-Za-z0-9]*$/.test(key) ? key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : key
}
