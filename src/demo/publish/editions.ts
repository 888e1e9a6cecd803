/** What the server has published: the whole store at one instant, again and again, unchanged in between. */
import type { DemoBehaviour } from '../behaviour.ts'
import { alteration } from '../job/alterations.ts'
import { deletionFiles } from '../job/closing-files.ts'
import type { JobFile } from '../job/export-job.ts'
import { outputFiles } from '../job/output-files.ts'
import { Refusal } from '../refusal.ts'
import type { DemoStore } from '../store.ts'

export interface Edition {
  /** Part of every URL, so that no URL ever names two contents. */
  readonly id: string
  readonly transactionTime: string
  readonly files: readonly JobFile[]
}

/** Older ones stay for whoever is still reading them. */
const EDITIONS_KEPT = 3

export class Editions {
  #editions: readonly Edition[] = []
  #published = 0

  /** With all that was deleted since the server started, so that a reader may have missed any edition. */
  publish(store: DemoStore, behaviour: DemoBehaviour): Edition {
    const { instant, found, deleted } = store.cut({ scope: { level: 'system' }, sinceMs: -Infinity })
    this.#published += 1
    const edition = {
      id: String(this.#published),
      transactionTime: instant.toISOString(),
      files: [
        ...outputFiles({ found, types: undefined, alter: alteration(undefined, behaviour) }, behaviour),
        ...deletionFiles(deleted),
      ],
    }
    this.#editions = [...this.#editions, edition].slice(-EDITIONS_KEPT)
    return edition
  }

  get newest(): Edition {
    return this.#editions.at(-1)!
  }

  /** Throws a Refusal (404) for an edition that is not there, or no more. */
  get(id: string): Edition {
    const edition = this.#editions.find((each) => each.id === id)
    if (edition === undefined) throw new Refusal(404, 'not-found', 'There is no such edition, or no more.')
    return edition
  }
}
