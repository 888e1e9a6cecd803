/** Two views for the bench: as ViewDefinition, as SQL by hand, as JSON extraction and as JavaScript, over made resources. */

export const column = (name, path, type) => ({
  name,
  path,
  ...(type ? { tag: [{ name: 'ansi/type', value: type }] } : {}),
})
/** What is volatile is not evaluated once for each column. */
export const READ = `CASE WHEN random() >= 0 THEN from_json(json, `
const LOINC = 'http://loinc.org'

export const OBSERVATION = {
  resource: (index) => ({
    resourceType: 'Observation',
    id: `o${index}`,
    meta: { versionId: '1', lastUpdated: '2024-05-06T07:08:09.000Z', profile: ['http://hl7.org/fhir/us/core/vitals'] },
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/observation-category', code: 'vital-signs' }] }],
    code: { coding: [{ system: LOINC, code: `${index % 500}-1`, display: `Measure ${index % 500}` }], text: 'Measure' },
    subject: { reference: `Patient/p${index % 10_000}` },
    encounter: { reference: `Encounter/e${index % 100_000}` },
    effectiveDateTime: `20${10 + (index % 15)}-0${1 + (index % 9)}-1${index % 10}T10:11:12Z`,
    issued: '2024-05-06T07:08:09.000Z',
    performer: [{ reference: `Practitioner/d${index % 500}` }],
    interpretation: [{ coding: [{ system: 'http://terminology.hl7.org/interpretation', code: 'N' }] }],
    valueQuantity: { value: (index % 1000) / 4, unit: 'mm[Hg]', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
  }),
  view: {
    name: 'observation',
    resource: 'Observation',
    select: [
      {
        column: [
          column('id', 'id'),
          column('status', 'status'),
          column('code', 'code.coding.first().code'),
          column('system', 'code.coding.first().system'),
          column('text', 'code.text'),
          column('patient_key', 'subject.getReferenceKey(Patient)'),
          column('encounter_key', 'encounter.getReferenceKey(Encounter)'),
          column('effective', 'effective.ofType(dateTime)', 'TIMESTAMP WITH TIME ZONE'),
          column('value', 'value.ofType(Quantity).value', 'DOUBLE PRECISION'),
          column('unit', 'value.ofType(Quantity).unit'),
          column('unit_code', 'value.ofType(Quantity).code'),
          column('display', 'code.coding.first().display'),
          column('category', 'category.first().coding.first().code'),
          column('issued', 'issued'),
          column('performer_key', 'performer.first().getReferenceKey(Practitioner)'),
          column('interpretation', 'interpretation.first().coding.first().code'),
          column('version', 'meta.versionId'),
          column('value_code', 'value.ofType(CodeableConcept).coding.first().code'),
          column('value_text', 'value.ofType(string)'),
          column('absent_reason', 'dataAbsentReason.coding.first().code'),
        ],
      },
    ],
  },
  byHand: (from) => `
    SELECT r.id, r.status, r.code.coding[1].code AS code, r.code.coding[1].system AS system, r.code.text AS text,
      CASE WHEN starts_with(r.subject.reference, 'Patient/') THEN r.subject.reference END AS patient_key,
      CASE WHEN starts_with(r.encounter.reference, 'Encounter/') THEN r.encounter.reference END AS encounter_key,
      TRY_CAST(r."effectiveDateTime" AS TIMESTAMPTZ) AS effective, r."valueQuantity"."value" AS value, r."valueQuantity".unit AS unit,
      r."valueQuantity".code AS unit_code, r.code.coding[1].display AS display, r.category[1].coding[1].code AS category,
      TRY_CAST(r.issued AS TIMESTAMPTZ) AS issued,
      CASE WHEN starts_with(r.performer[1].reference, 'Practitioner/') THEN r.performer[1].reference END AS performer_key,
      r.interpretation[1].coding[1].code AS interpretation, r.meta."versionId" AS version,
      r."valueCodeableConcept".coding[1].code AS value_code, r."valueString" AS value_text,
      r."dataAbsentReason".coding[1].code AS absent_reason
    FROM (SELECT ${READ}'{"resourceType":"VARCHAR","id":"VARCHAR","status":"VARCHAR",
      "code":{"coding":[{"code":"VARCHAR","system":"VARCHAR","display":"VARCHAR"}],"text":"VARCHAR"},"subject":{"reference":"VARCHAR"},
      "encounter":{"reference":"VARCHAR"},"effectiveDateTime":"VARCHAR","valueQuantity":{"value":"DOUBLE","unit":"VARCHAR","code":"VARCHAR"},
      "category":[{"coding":[{"code":"VARCHAR"}]}],"issued":"VARCHAR","performer":[{"reference":"VARCHAR"}],
      "interpretation":[{"coding":[{"code":"VARCHAR"}]}],"meta":{"versionId":"VARCHAR"},
      "valueCodeableConcept":{"coding":[{"code":"VARCHAR"}]},"valueString":"VARCHAR","dataAbsentReason":{"coding":[{"code":"VARCHAR"}]}}') END AS r
      FROM ${from})
    WHERE r."resourceType" = 'Observation'`,
  jsonExtraction: (from) => `
    SELECT json ->> '$.id' AS id, json ->> '$.status' AS status, json ->> '$.code.coding[0].code' AS code,
      json ->> '$.code.coding[0].system' AS system, json ->> '$.code.text' AS text,
      json ->> '$.subject.reference' AS patient_key, json ->> '$.encounter.reference' AS encounter_key,
      TRY_CAST(json ->> '$.effectiveDateTime' AS TIMESTAMPTZ) AS effective,
      TRY_CAST(json ->> '$.valueQuantity.value' AS DOUBLE) AS value, json ->> '$.valueQuantity.unit' AS unit,
      json ->> '$.valueQuantity.code' AS unit_code, json ->> '$.code.coding[0].display' AS display,
      json ->> '$.category[0].coding[0].code' AS category, TRY_CAST(json ->> '$.issued' AS TIMESTAMPTZ) AS issued,
      json ->> '$.performer[0].reference' AS performer_key, json ->> '$.interpretation[0].coding[0].code' AS interpretation,
      json ->> '$.meta.versionId' AS version, json ->> '$.valueCodeableConcept.coding[0].code' AS value_code,
      json ->> '$.valueString' AS value_text, json ->> '$.dataAbsentReason.coding[0].code' AS absent_reason
    FROM ${from} WHERE json ->> '$.resourceType' = 'Observation'`,
  flatten: (resource) => [
    {
      id: resource.id,
      status: resource.status,
      code: resource.code?.coding?.[0]?.code,
      system: resource.code?.coding?.[0]?.system,
      text: resource.code?.text,
      patient_key: referenceKey(resource.subject?.reference, 'Patient/'),
      encounter_key: referenceKey(resource.encounter?.reference, 'Encounter/'),
      effective: resource.effectiveDateTime === undefined ? undefined : new Date(resource.effectiveDateTime),
      value: resource.valueQuantity?.value,
      unit: resource.valueQuantity?.unit,
      unit_code: resource.valueQuantity?.code,
      display: resource.code?.coding?.[0]?.display,
      category: resource.category?.[0]?.coding?.[0]?.code,
      issued: resource.issued === undefined ? undefined : new Date(resource.issued),
      performer_key: referenceKey(resource.performer?.[0]?.reference, 'Practitioner/'),
      interpretation: resource.interpretation?.[0]?.coding?.[0]?.code,
      version: resource.meta?.versionId,
      value_code: resource.valueCodeableConcept?.coding?.[0]?.code,
      value_text: resource.valueString,
      absent_reason: resource.dataAbsentReason?.coding?.[0]?.code,
    },
  ],
}

const ADJUDICATIONS = ['submitted', 'eligible', 'deductible', 'coinsurance', 'benefit']

export const BENEFIT = {
  resource: (index) => ({
    resourceType: 'ExplanationOfBenefit',
    id: `b${index}`,
    status: 'active',
    type: { coding: [{ system: 'http://terminology.hl7.org/claim-type', code: 'professional' }] },
    use: 'claim',
    patient: { reference: `Patient/p${index % 10_000}` },
    created: '2024-05-06T07:08:09Z',
    insurer: { display: 'Insurer' },
    provider: { reference: `Practitioner/d${index % 500}` },
    outcome: 'complete',
    item: Array.from({ length: 2 + (index % 5) }, (_, place) => ({
      sequence: place + 1,
      category: { coding: [{ system: 'http://terminology.hl7.org/benefit-category', code: '1' }] },
      productOrService: {
        coding: [{ system: 'http://snomed.info/sct', code: `${100_000 + (index % 700)}` }],
        text: 'A service',
      },
      servicedPeriod: { start: '2024-05-06T07:08:09Z', end: '2024-05-06T08:08:09Z' },
      adjudication: ADJUDICATIONS.map((code, step) => ({
        category: { coding: [{ system: 'http://terminology.hl7.org/adjudication', code, display: code }] },
        amount: { value: (index % 100) + step / 4, currency: 'USD' },
      })),
    })),
  }),
  view: {
    name: 'benefit_adjudication',
    resource: 'ExplanationOfBenefit',
    select: [
      { column: [column('id', 'id'), column('patient_key', 'patient.getReferenceKey(Patient)')] },
      {
        forEach: 'item',
        column: [column('sequence', 'sequence'), column('product', 'productOrService.coding.first().code')],
        select: [
          {
            forEach: 'adjudication',
            column: [
              column('category', 'category.coding.first().code'),
              column('amount', 'amount.value', 'DOUBLE PRECISION'),
              column('currency', 'amount.currency'),
            ],
          },
        ],
      },
    ],
  },
  byHand: (from) => `
    SELECT id, patient_key, sequence, product, a.category.coding[1].code AS category, a.amount."value" AS amount, a.amount.currency AS currency
    FROM (SELECT id, patient_key, i.sequence AS sequence, i."productOrService".coding[1].code AS product, unnest(i.adjudication) AS a
      FROM (SELECT r.id AS id, CASE WHEN starts_with(r.patient.reference, 'Patient/') THEN r.patient.reference END AS patient_key,
        unnest(r.item) AS i
        FROM (SELECT ${READ}'{"resourceType":"VARCHAR","id":"VARCHAR","patient":{"reference":"VARCHAR"},
          "item":[{"sequence":"INTEGER","productOrService":{"coding":[{"code":"VARCHAR"}]},
          "adjudication":[{"category":{"coding":[{"code":"VARCHAR"}]},"amount":{"value":"DOUBLE","currency":"VARCHAR"}}]}]}') END AS r
          FROM ${from})
        WHERE r."resourceType" = 'ExplanationOfBenefit'))`,
  jsonExtraction: (from) => `
    SELECT id, patient_key, TRY_CAST(i ->> '$.sequence' AS INTEGER) AS sequence, i ->> '$.productOrService.coding[0].code' AS product,
      a ->> '$.category.coding[0].code' AS category, TRY_CAST(a ->> '$.amount.value' AS DOUBLE) AS amount,
      a ->> '$.amount.currency' AS currency
    FROM (SELECT id, patient_key, i, unnest(json_extract(i, '$.adjudication[*]')) AS a
      FROM (SELECT json ->> '$.id' AS id, json ->> '$.patient.reference' AS patient_key, unnest(json_extract(json, '$.item[*]')) AS i
        FROM ${from} WHERE json ->> '$.resourceType' = 'ExplanationOfBenefit'))`,
  flatten: (resource) =>
    (resource.item ?? []).flatMap((item) =>
      (item.adjudication ?? []).map((adjudication) => ({
        id: resource.id,
        patient_key: referenceKey(resource.patient?.reference, 'Patient/'),
        sequence: item.sequence,
        product: item.productOrService?.coding?.[0]?.code,
        category: adjudication.category?.coding?.[0]?.code,
        amount: adjudication.amount?.value,
        currency: adjudication.amount?.currency,
      })),
    ),
}

function referenceKey(reference, type) {
  return reference?.startsWith(type) ? reference : undefined
}
