/** What a subcommand does: it writes its answer and gives the exit code. */
export type Action = () => Promise<number>
