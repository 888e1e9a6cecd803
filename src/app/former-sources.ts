/** Sources that the lake has and the configuration lacks: renamed, or taken out. */

/** One source of the lake for each row, be it of the database or of a snapshot's catalog. */
export const LAKE_SOURCES_SQL = 'SELECT DISTINCT source FROM stoker.run ORDER BY source'

export interface LakeSource {
  readonly source: string
}

export function formerSources(inLake: readonly LakeSource[], configured: readonly string[]): readonly string[] {
  return inLake.map(({ source }) => source).filter((source) => !configured.includes(source))
}

export function formerText(source: string): string {
  return `no longer in the configuration: ${source}; its rows stay as they are`
}
