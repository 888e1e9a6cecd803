/** `stoker views generate`: default tables for any resource type, as ViewDefinitions to use or to start from. */
import { Command, Option } from 'commander'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StokerError } from '../core/errors.ts'
import { nearestName } from '../core/nearest-name.ts'
import { fhirTypes, type FhirRelease, type FhirTypes } from '../views/fhir-types.ts'
import { generateViews } from '../views/generate/generate.ts'
import type { Action } from './action.ts'
import { plural } from '../core/figures.ts'

interface GenerateOptions {
  readonly all?: true
  readonly out?: string
  readonly release: FhirRelease
}

export function viewsGenerateCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('generate')
    .description('make the default tables of resource types: one for the resource, one for each element that repeats')
    .argument('[type...]', 'resource types, like CarePlan')
    .option('--all', 'every resource type')
    .option('-o, --out <folder>', 'a file for each view, NAME.json; without it they are printed as a JSON list')
    .addOption(new Option('--release <release>', 'of FHIR').choices(['R4', 'R4B', 'R5']).default('R4'))
    .addHelpText(
      'after',
      `
Examples:
  stoker views generate Condition
  stoker views generate CarePlan Goal --out my-views
  stoker views generate --all --out generated

Names are the way to the element in the JSON, in snake_case: README, "Views". Files of the same names are replaced.`,
    )
    .action((wanted: string[], options: GenerateOptions) =>
      perform(async () => {
        const types = fhirTypes(options.release)
        const views = chosenTypes(wanted, options, types).flatMap((type) => generateViews(type, types))
        if (options.out === undefined) {
          process.stdout.write(`${JSON.stringify(views, null, 2)}\n`)
          return 0
        }
        await mkdir(options.out, { recursive: true })
        for (const view of views)
          await writeFile(join(options.out, `${view.name}.json`), `${JSON.stringify(view, null, 2)}\n`)
        process.stdout.write(`${plural(views.length, 'view')} in ${options.out}\n`)
        return 0
      }),
    )
}

function chosenTypes(
  wanted: readonly string[],
  { all, release }: GenerateOptions,
  types: FhirTypes,
): readonly string[] {
  if (all) return types.resourceNames()
  if (wanted.length === 0)
    throw new StokerError('VIEWS_TYPE', 'no resource type is named', { hint: 'name some, like CarePlan, or say --all' })
  const unknown = wanted.find((type) => !types.isResource(type))
  if (unknown === undefined) return [...new Set(wanted)]
  const nearest = nearestName(unknown, types.resourceNames())
  throw new StokerError('VIEWS_TYPE', `FHIR ${release} has no resource ${unknown}`, {
    hint: nearest === undefined ? 'names are as in FHIR, like CarePlan' : `did you mean ${nearest}?`,
  })
}
