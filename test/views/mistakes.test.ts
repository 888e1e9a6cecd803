/** Every mistake of a view is an error when it is compiled: with its path, its place in the FHIRPath, and a way out. */
import { describe, expect, test } from 'vitest'
import { compileView } from '../../src/views/compile.ts'
import { ViewError } from '../../src/views/view-error.ts'
import { viewOf } from './run-view.ts'

function mistake(definition: unknown): ViewError {
  try {
    compileView(definition)
  } catch (error) {
    if (error instanceof ViewError) return error
    throw error
  }
  throw new Error('no error was raised')
}

describe('in a FHIRPath', () => {
  test.each([
    ['name.famly', 'VIEW_UNKNOWN', 6, 'did you mean family?'],
    ['nmae.family', 'VIEW_UNKNOWN', 1, 'did you mean name?'],
    ['name.given.select($index).first()', 'VIEW_SYNTAX', 19, undefined],
    ["id.matches('(')", 'VIEW_UNSUPPORTED', 12, undefined],
    ["id.matches('(?=a)')", 'VIEW_UNSUPPORTED', 12, undefined],
    ["id.matchesFull('(a)\\\\1')", 'VIEW_UNSUPPORTED', 16, undefined],
    ["id.matches('[a-\\\\d]')", 'VIEW_UNSUPPORTED', 12, undefined],
    ["id.matches('a{1001}')", 'VIEW_UNSUPPORTED', 12, undefined],
    ["id.matches('\\\\y')", 'VIEW_UNSUPPORTED', 12, undefined],
    ["id.replaceMatches('(a)', '$2')", 'VIEW_UNKNOWN', 26, undefined],
    ["id.replaceMatches('a', id)", 'VIEW_UNSUPPORTED', 24, undefined],
    ['multipleBirth.ofType(integer).round(multipleBirth.ofType(integer))', 'VIEW_UNSUPPORTED', 51, undefined],
    ['multipleBirth.ofType(integer).round(-1)', 'VIEW_UNSUPPORTED', 37, undefined],
    ['deceasedBoolean', 'VIEW_UNKNOWN', 1, 'in FHIRPath it is deceased.ofType(boolean)'],
    ['deceased', 'VIEW_TYPE', undefined, 'say which: deceased.ofType(boolean)'],
    ['deceased.ofType(Quantity)', 'VIEW_TYPE', 10, 'it may be boolean, dateTime'],
    ['deceased.ofType(bolean)', 'VIEW_UNKNOWN', 10, 'did you mean boolean?'],
    ['birthDate.year', 'VIEW_UNKNOWN', 11, undefined],
    ['name.family', 'VIEW_MANY', undefined, 'add .first(), give the column "collection": true, or use forEach'],
    ['name.first()', 'VIEW_UNSUPPORTED', undefined, 'name an element of it'],
    ['name.where(use).exists()', 'VIEW_TYPE', 12, 'add .exists(), or compare it'],
    ['name.where(use = 1).exists()', 'VIEW_TYPE', 16, undefined],
    ["birthDate = '1970-01-01'", 'VIEW_TYPE', 11, 'a date is written @2012-04-01, an instant @2012-04-01T10:00:00Z'],
    ['name.exist()', 'VIEW_UNSUPPORTED', 6, 'did you mean exists()?'],
    ['name.where().exists()', 'VIEW_SYNTAX', 6, undefined],
    ['gender + 1', 'VIEW_TYPE', 8, undefined],
    ['birthDate + 1', 'VIEW_UNSUPPORTED', 11, undefined],
    ['%wrong', 'VIEW_UNKNOWN', 1, undefined],
    ['gender ~ gender', 'VIEW_UNSUPPORTED', 8, 'use = or !='],
    ['name.getReferenceKey()', 'VIEW_TYPE', 6, undefined],
    ['managingOrganization.getReferenceKey(Organisation)', 'VIEW_UNKNOWN', 22, 'did you mean Organization?'],
    ['contact.first().getResourceKey()', 'VIEW_TYPE', 17, undefined],
    ['$index', 'VIEW_SYNTAX', 1, undefined],
    ['contained.first().name', 'VIEW_TYPE', 19, 'say which, like .ofType(Patient).name'],
    [
      'generalPractitioner.first().getReferenceKey(Patient)',
      'VIEW_TYPE',
      29,
      'it may lead to Organization, Practitioner, PractitionerRole',
    ],
    ['today()', 'VIEW_UNSUPPORTED', 1, 'the rows of a resource depend on nothing but the resource'],
  ])('%s', (path, code, position, hint) => {
    const error = mistake(viewOf('Patient', { id: 'id', wrong: path }))
    expect({ code: error.code, place: error.place, hint: error.hint }).toEqual({
      code,
      hint,
      place: { view: 'view', path: 'select[0].column[1].path', ...(position === undefined ? {} : { position }) },
    })
  })
})

describe('in the definition', () => {
  const column = [{ name: 'id', path: 'id' }]
  const select = [{ column }]
  test.each([
    ['nothing', {}, 'resource', 'is missing'],
    ['no object', [], undefined, 'a view must be an object'],
    [
      'another resource',
      { resourceType: 'Patient', resource: 'Patient', select },
      'resourceType',
      'must be ViewDefinition',
    ],
    ['no select', { resource: 'Patient' }, 'select', 'is missing: a view needs at least one'],
    ['a type FHIR does not have', { resource: 'Pateint', select }, 'resource', 'FHIR R4 has no resource Pateint'],
    [
      'another release',
      { resource: 'Patient', fhirVersion: ['3.0.2'], select },
      'fhirVersion',
      'the view is for FHIR 3.0.2, known here are R4, R4B and R5',
    ],
    ['a misspelt key of the view', { resource: 'Patient', wher: [], select }, 'wher', 'there is no wher here'],
    ['a misspelt key', { resource: 'Patient', select: [{ colum: column }] }, 'select[0]', 'there is no colum here'],
    [
      'a column without a path',
      { resource: 'Patient', select: [{ column: [{ name: 'id' }] }] },
      'select[0].column[0].path',
      'is missing',
    ],
    [
      'a name SQL does not take',
      { resource: 'Patient', select: [{ column: [{ name: '1d', path: 'id' }] }] },
      'select[0].column[0].name',
      'must be letters',
    ],
    [
      'a name twice',
      { resource: 'Patient', select: [{ column }, { column: [{ name: 'ID', path: 'id' }] }] },
      'select[1].column[0]',
      'is already defined at select[0].column[0]',
    ],
    [
      'two iterations',
      { resource: 'Patient', select: [{ forEach: 'name', repeat: ['contact'], column }] },
      'select[0]',
      'has forEach and repeat',
    ],
    [
      'branches that differ',
      { resource: 'Patient', select: [{ unionAll: [{ column }, { column: [{ name: 'id', path: 'active' }] }] }] },
      'select[0].unionAll[1].column[0]',
      'another type',
    ],
    [
      'a condition that is none',
      { resource: 'Patient', select, where: [{ path: 'name.family' }] },
      'where[0].path',
      'where true or false is wanted',
    ],
    [
      'a declared type that does not fit',
      viewOf('Patient', { id: { path: 'active', type: 'integer' } }),
      'select[0].column[0].path',
      'the column is declared integer',
    ],
    [
      'a column type nobody knows',
      viewOf('Patient', { id: { path: 'id', tag: [{ name: 'ansi/type', value: 'JSONB' }] } }),
      'select[0].column[0].tag',
      'there is no column type JSONB',
    ],
    [
      'a column type that never fits',
      viewOf('Patient', { id: { path: 'active', tag: [{ name: 'ansi/type', value: 'DATE' }] } }),
      'select[0].column[0].tag',
      'never is a date',
    ],
    [
      'rows of a choice',
      { resource: 'Observation', select: [{ forEach: 'value', column }] },
      'select[0].forEach',
      'rows need one type',
    ],
    [
      'repeat of what does not exist',
      { resource: 'Questionnaire', select: [{ repeat: ['itme'], column: [{ name: 'x', path: 'linkId' }] }] },
      'select[0].repeat[0]',
      'has no element itme',
    ],
    [
      'a constant of two values',
      { resource: 'Patient', select, constant: [{ name: 'x', valueCode: 'a', valueString: 'b' }] },
      'constant[0]',
      'exactly one value',
    ],
    [
      'a constant of the wrong type',
      { resource: 'Patient', select, constant: [{ name: 'x', valueInteger: 'a' }] },
      'constant[0].valueInteger',
      'integer is a number',
    ],
    [
      'a constant with a taken name',
      { resource: 'Patient', select, constant: [{ name: 'rowIndex', valueInteger: 1 }] },
      'constant[0].valueInteger',
      'a meaning of its own',
    ],
  ])('%s', (_, definition, path, problem) => {
    const error = mistake(definition)
    expect(error.place.path).toBe(path)
    expect(error.message).toContain(problem)
  })
})

test('all mistakes of a view are named at once, in the order they are found, and none that follows from another', () => {
  const error = mistake({
    name: 'many',
    resource: 'Patient',
    staus: 'active',
    constant: [{ name: 'x', valueInteger: 'a' }],
    where: [{ path: "gendr = 'x' and actve" }],
    select: [
      {
        colum: [],
        column: [
          { name: '1d', path: 'id' },
          { name: 'id', path: 'idd' },
          { name: 'n', path: "name.where(uze = 'official').first().famly" },
          { name: 'c', path: '%x + 1' },
        ],
      },
      {
        forEach: 'nmae',
        column: [
          { name: 'family', path: 'family' },
          { name: 'id', path: "'x" },
        ],
      },
      { unionAll: [{ column: [{ name: 'u', path: 'activ' }] }, { column: [{ name: 'u', path: 'birthDate' }] }] },
    ],
  })
  expect(
    error.mistakes.map(({ place }) => [place.path, place.position].filter((one) => one !== undefined).join()),
  ).toEqual([
    'staus',
    'select[0]',
    'select[0].column[0].name',
    'constant[0].valueInteger',
    'where[0].path,1',
    'where[0].path,17',
    'select[0].column[1].path,1',
    'select[0].column[2].path,12',
    'select[0].column[2].path,38',
    'select[1].forEach,1',
    'select[1].column[1].path,1',
    'select[2].unionAll[0].column[0].path,1',
    'select[1].column[1]',
  ])
  expect(error.place).toEqual({ view: 'many', path: 'staus' })
  expect(error.message).toBe('many, staus: there is no staus here')
})
