/** Column types in DuckDB's words. */
import type { ColumnType } from '../plan/column-type.ts'

const NAMES: Readonly<Record<Exclude<ColumnType['base'], 'decimal'>, string>> = {
  text: 'VARCHAR',
  boolean: 'BOOLEAN',
  integer: 'INTEGER',
  long: 'BIGINT',
  double: 'DOUBLE',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
  instant: 'TIMESTAMPTZ',
  binary: 'BLOB',
}

export function columnTypeName(type: ColumnType): string {
  return type.base === 'decimal' ? `DECIMAL(${type.digits},${type.scale})` : NAMES[type.base]
}
