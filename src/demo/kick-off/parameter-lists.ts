/** Lists in a parameter: divided by commas, given by repeating the name, or both, as the server understands them. */
import type { KickOffBehaviour } from '../behaviour/kick-off-behaviour.ts'
import type { AskedParameter } from './asked-parameters.ts'

/** All values of `name`. A comma written `\,` belongs to its value, and only there the backslash is taken away. */
export function listedValues(
  asked: readonly AskedParameter[],
  name: string,
  lists: KickOffBehaviour['lists'],
): readonly string[] {
  const values = asked.filter((parameter) => parameter.name === name).map(({ value }) => value)
  const heeded = lists === 'comma' && name === '_type' ? values.slice(0, 1) : values
  const words = lists === 'repeated' ? heeded : heeded.flatMap((value) => value.split(/(?<!\\),/))
  return words.map((word) => word.trim().replaceAll('\\,', ',')).filter((word) => word !== '')
}
