/** OpenLineage's RunEvents of a run, each a pure function of what the ledger says of it. */
import type { RunRecord } from '../../ledger/runs.ts'
import type { Identity } from '../identity.ts'
import {
  inputDataset,
  namedTable,
  outputDataset,
  type Dataset,
  type ReportedView,
  type TablePlace,
} from './datasets.ts'
import { facetMaker, producerOf, RUN_EVENT_SCHEMA, type Facets, type MakeFacet } from './facets.ts'
import type { RunFacts } from './run-facts.ts'

export interface RunEventSettings extends TablePlace {
  readonly identity: Identity
  /** Of the program that reports; that of a run is in the ledger. */
  readonly version: string
  readonly views: readonly ReportedView[]
  /** Base URLs of the sources, by name; what is no longer configured has no inputs. */
  readonly sources: ReadonlyMap<string, URL>
}

/** ABORT: ended on purpose. OTHER: stopped for now; it goes on at the next start. */
export type RunEventType = 'START' | 'OTHER' | 'COMPLETE' | 'FAIL' | 'ABORT'

export interface LineageEvent {
  readonly eventType: RunEventType
  readonly eventTime: string
  readonly producer: string
  readonly schemaURL: string
  readonly run: { readonly runId: string; readonly facets: Facets }
  readonly job: { readonly namespace: string; readonly name: string; readonly facets: Facets }
  readonly inputs: readonly Dataset[]
  readonly outputs: readonly Dataset[]
}

export class RunEvents {
  private readonly settings: RunEventSettings
  private readonly producer: string
  private readonly facet: MakeFacet

  constructor(settings: RunEventSettings) {
    this.settings = settings
    this.producer = producerOf(settings.version)
    this.facet = facetMaker(this.producer)
  }

  /** What it is going to read and write; the end tells the rest (events of a run add up). */
  start(facts: RunFacts): LineageEvent {
    const { types } = facts
    const tables = this.viewsOf(types).map(({ name }) => namedTable(this.facet, this.settings, name))
    return this.event('START', facts.run, facts.run.started_at, this.inputs(facts, false), tables)
  }

  /** Of a run that is over. */
  end(facts: RunFacts): LineageEvent {
    const { run } = facts
    const endedAt = run.ended_at ?? run.started_at
    if (run.state !== 'done') {
      const type = GIVEN_UP.has(run.error_code ?? '') ? 'ABORT' : 'FAIL'
      return this.event(
        type,
        run,
        endedAt,
        this.inputs(facts, false),
        [],
        this.error(run.error_code, run.error_message),
      )
    }
    const baseUrl = this.settings.sources.get(run.source)
    const outputs = this.viewsOf(facts.types).map((view) =>
      outputDataset(this.facet, this.settings, view, baseUrl, facts.tables.get(view.name), facts.snapshot),
    )
    return this.event('COMPLETE', run, endedAt, this.inputs(facts, true), outputs)
  }

  /** Of a run that an error stopped, and that is gone on with at the next start. */
  stopped({ run }: RunFacts, at: Date, code: string, message: string): LineageEvent {
    return this.event('OTHER', run, at, [], [], this.error(code, message))
  }

  private event(
    eventType: RunEventType,
    run: RunRecord,
    at: Date,
    inputs: readonly Dataset[],
    outputs: readonly Dataset[],
    facets: Facets = {},
  ): LineageEvent {
    const { identity, namespace, version } = this.settings
    return {
      eventType,
      eventTime: at.toISOString(),
      producer: this.producer,
      schemaURL: RUN_EVENT_SCHEMA,
      run: { runId: identity.run(run.run), facets: { ...this.runFacets(run, version), ...facets } },
      job: {
        namespace,
        name: run.source,
        facets: {
          ...this.facet('jobType', { processingType: 'BATCH', integration: 'STOKER', jobType: 'JOB' }),
          ...this.facet('jobDocumentation', {
            description: `Brings the tables up to date with the FHIR Bulk Data server of the source ${run.source}.`,
          }),
        },
      },
      inputs,
      outputs,
    }
  }

  private runFacets({ run, mode, stoker_version }: RunRecord, openlineageAdapterVersion: string): Facets {
    const tag = (key: string, value: string) => ({ key, value, source: 'STOKER' })
    return {
      ...this.facet('processing_engine', { name: 'fhir-stoker', version: stoker_version, openlineageAdapterVersion }),
      ...this.facet('tags', { tags: [tag('run', String(run)), tag('mode', mode)] }),
    }
  }

  private error(code: string | null, message: string | null): Facets {
    return this.facet('errorMessage', {
      message: [code, message].filter((part) => part !== null).join(': '),
      programmingLanguage: 'JavaScript',
    })
  }

  private inputs({ run, types, received }: RunFacts, isWhole: boolean): Dataset[] {
    const baseUrl = this.settings.sources.get(run.source)
    if (baseUrl === undefined) return []
    const source = { name: run.source, baseUrl }
    return types.map((type) =>
      isWhole
        ? inputDataset(this.facet, source, type, this.viewsOf([type]), received.get(type))
        : inputDataset(this.facet, source, type),
    )
  }

  private viewsOf(types: readonly string[]): ReportedView[] {
    return this.settings.views.filter((view) => types.includes(view.resource))
  }
}

/** An operator ended it, or the configuration asks for something else now. */
const GIVEN_UP: ReadonlySet<string> = new Set(['CANCELLED', 'SOURCE_CHANGED'])
