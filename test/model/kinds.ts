/** What a history has in it, by kind: so that the few of the suite leave none out. */
import { isSync, type Change, type History } from './history.ts'

/** Of what happens, and of what the server and the lake are like. */
export function kindsOf({ habits, steps }: History): ReadonlySet<string> {
  const { group, twice, ...others } = habits
  const changeKinds = (changes: readonly Change[], when = '') => changes.map((change) => `${when}${change.do}`)
  return new Set([
    ...Object.entries(others).map(([name, value]) => `${name} ${String(value)}`),
    twice > 0 ? 'twice' : 'once',
    ...(group === undefined ? ['system'] : [`newcomers ${group.newcomers}`, `leavers ${group.leavers}`]),
    ...steps.flatMap((step) => {
      if (!isSync(step)) return changeKinds([step])
      const { full, fault, kill, meanwhile } = step
      return [
        full ? 'full run' : 'run as due',
        ...changeKinds(meanwhile, 'meanwhile '),
        ...(fault === undefined ? [] : [`fault ${fault.kind}`]),
        ...(kill === undefined
          ? []
          : [
              `killed ${kill.moment} a step`,
              `killed in ${group ? 'a Group' : 'a system'}`,
              `killed, compacted ${habits.isCompacted}`,
            ]),
        ...(kill?.forgets === true ? ['killed, and the server forgets'] : []),
      ]
    }),
  ])
}
