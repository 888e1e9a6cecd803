/** What is wrong with a ViewDefinition, and where: view, path in its JSON, position in the FHIRPath text. */
import { StokerError } from '../core/errors.ts'

export type ViewErrorCode =
  /** The JSON is not a ViewDefinition: something missing, of the wrong type, or twice. */
  | 'VIEW_INVALID'
  /** The FHIRPath text does not parse. */
  | 'VIEW_SYNTAX'
  /** An element, constant or type that does not exist. */
  | 'VIEW_UNKNOWN'
  /** An operation on values of the wrong type, or a column whose declared type its path does not have. */
  | 'VIEW_TYPE'
  /** Several values where one is promised. */
  | 'VIEW_MANY'
  /** Right, but not supported here. */
  | 'VIEW_UNSUPPORTED'

export interface ViewPlace {
  readonly view?: string | undefined
  readonly file?: string | undefined
  /** Path in the definition's JSON, like `select[0].column[2].path`. */
  readonly path?: string | undefined
  /** Place in the FHIRPath text, or without a path in the file's, from 1. */
  readonly position?: number | undefined
}

export class ViewError extends StokerError {
  override readonly code: ViewErrorCode
  /** What is wrong, without the place. */
  readonly problem: string
  readonly place: ViewPlace
  /** All mistakes of the view, this one first, each an error of its own. */
  readonly mistakes: readonly ViewError[]

  constructor(
    code: ViewErrorCode,
    problem: string,
    place: ViewPlace = {},
    hint?: string,
    mistakes: readonly ViewError[] = [],
  ) {
    super(code, `${placeText(place)}${problem}`, {
      ...(hint === undefined ? {} : { hint }),
      facts: { view: place.view, file: place.file, path: place.path, position: place.position },
    })
    this.code = code
    this.problem = problem
    this.place = place
    this.mistakes = mistakes.length > 0 ? mistakes : [this]
  }

  /** The same error with more said of its place; what is known already stays. */
  within(place: ViewPlace): ViewError {
    return new ViewError(this.code, this.problem, { ...place, ...defined(this.place) }, this.hint)
  }

  /** The same error, as the first of these. */
  naming(mistakes: readonly ViewError[]): ViewError {
    return new ViewError(this.code, this.problem, this.place, this.hint, mistakes)
  }
}

/** Runs `work`; a ViewError out of it gets `place` added. */
export function within<T>(place: ViewPlace, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof ViewError ? error.within(place) : error
  }
}

function defined(place: ViewPlace): ViewPlace {
  return Object.fromEntries(Object.entries(place).filter(([, value]) => value !== undefined))
}

function placeText({ file, view, path, position }: ViewPlace): string {
  const parts = [file ?? view, path, position === undefined ? undefined : `character ${position}`]
  const known = parts.filter((part) => part !== undefined)
  return known.length === 0 ? '' : `${known.join(', ')}: `
}
