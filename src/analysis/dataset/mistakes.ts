/** What is wrong with a data set's definition, and where: collected, so that all of it is told at once. */
import { StokerError } from '../../core/errors.ts'

/** Line and column are counted from 1, as editors do. */
export interface Place {
  /** As the analyst named it. */
  readonly file: string
  readonly line: number
  readonly column: number
}

export interface DatasetMistake extends Place {
  /** `features[2].sql`; empty for the file as a whole. */
  readonly path: string
  /** In lower case and without a full stop. Of the data it holds counts and days, never a value. */
  readonly problem: string
  /** What to do, in whole sentences. */
  readonly wayOut: string
}

/** `DATASET_INVALID` with every mistake of the definition. */
export class DatasetError extends StokerError {
  readonly mistakes: readonly DatasetMistake[]

  constructor(file: string, mistakes: readonly DatasetMistake[]) {
    const count = mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`
    super('DATASET_INVALID', [`${count} in ${file}`, ...mistakes.map((each) => `  ${mistakeText(each)}`)].join('\n'), {
      hint: 'correct each place named above; stoker dataset examples shows some that are right, schemas/dataset.schema.json says what each key means',
      facts: { file, mistakes: mistakes.length },
    })
    this.mistakes = mistakes
  }
}

/** `readmission.yaml:31:5 features[2].sql: there is no table observatoin. Did you mean observation?` */
function mistakeText({ file, line, column, path, problem, wayOut }: DatasetMistake): string {
  return `${file}:${line}:${column} ${path === '' ? '' : `${path}: `}${problem}. ${wayOut}`
}
