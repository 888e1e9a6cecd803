/** The command line as it may be shown: what was done, with which configuration, and no other word of it. */

/**
 * `stoker sync --config /etc/stoker.yaml`
 * @param argv as `process.argv`; of it only the subcommand is taken, for anything else may be secret
 */
export function shownCommand(argv: readonly string[], config: string): string {
  const subcommand = argv.slice(2).find((word) => /^[a-z][a-z-]*$/.test(word))
  return ['stoker', ...(subcommand === undefined ? [] : [subcommand]), '--config', config].join(' ')
}
