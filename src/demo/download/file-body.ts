/** The body of a download: the file's lines in the form in which the server gives them. */
import type { FileBehaviour, FileForm } from '../behaviour/file-behaviour.ts'
import type { DataFiles } from '../data-files.ts'
import { PLAIN_FILE } from '../behaviour/file-behaviour.ts'
import { operationOutcome } from '../refusal.ts'
import { fileChunks } from './file-chunks.ts'
import { base64Binary, bundle, gathered, jsonArray, ndjson } from './forms.ts'
import { lineTexts, type Lines } from './line-texts.ts'

export interface FileBody {
  readonly contentType: string
  /** Equal for bodies of one file that are equal byte for byte. */
  readonly form: string
  /** The bytes, from the beginning at each call. */
  chunks(): AsyncGenerator<Buffer>
}

/** @param accept the request's header, which HAPI goes by. */
export function fileBody(file: Lines, accept: string, behaviour: FileBehaviour, files: DataFiles): FileBody {
  const form = chosenForm(behaviour.fileForm, accept)
  const { lineEnds, bom, finalLineEnd, birthDateTimes, firstElement, contentType } = behaviour
  return {
    contentType: contentType === PLAIN_FILE.contentType ? CONTENT_TYPES[form] : contentType,
    form: JSON.stringify([form, lineEnds, bom, finalLineEnd, birthDateTimes, firstElement]),
    chunks: () => FORMS[form](file, behaviour, files),
  }
}

/** A HAPI server's file is a Binary, and comes as one unless the client wants exactly what is in it. */
function chosenForm(form: FileForm, accept: string): FileForm {
  return form === 'binary' && accept.trim() === PLAIN_FILE.contentType ? 'ndjson' : form
}

type Form = (file: Lines, behaviour: FileBehaviour, files: DataFiles) => AsyncGenerator<Buffer>

const asNdjson: Form = (file, behaviour, files) =>
  isPlain(file, behaviour)
    ? fileChunks(file.lines, files)
    : gathered(ndjson(lineTexts(file, behaviour, files), behaviour))

const asBinary: Form = (file, behaviour, files) => base64Binary(asNdjson(file, behaviour, files))

const FORMS: Readonly<Record<FileForm, Form>> = {
  ndjson: asNdjson,
  binary: asBinary,
  'binary-always': asBinary,
  'json-array': (file, behaviour, files) => gathered(jsonArray(lineTexts(file, behaviour, files))),
  bundle: (file, behaviour, files) => gathered(bundle(lineTexts(file, behaviour, files))),
  html: () => gathered(['<!DOCTYPE html>\n<html><body><h1>Please sign in</h1></body></html>\n']),
  outcome: () => gathered([JSON.stringify(operationOutcome('error', 'exception', 'The file could not be read.'))]),
}

const FHIR_JSON = 'application/fhir+json'

const CONTENT_TYPES: Readonly<Record<FileForm, string>> = {
  ndjson: PLAIN_FILE.contentType,
  binary: FHIR_JSON,
  'binary-always': FHIR_JSON,
  'json-array': 'application/json',
  bundle: FHIR_JSON,
  html: 'text/html; charset=utf-8',
  outcome: FHIR_JSON,
}

/** Whether the lines may leave as they lie there, many at once. */
function isPlain({ alter }: Lines, behaviour: FileBehaviour): boolean {
  const { lineEnds, bom, finalLineEnd, birthDateTimes, firstElement } = behaviour
  const areLinesPlain = alter === undefined && !birthDateTimes && firstElement === 'resourceType'
  return areLinesPlain && lineEnds === 'lf' && !bom && finalLineEnd
}
