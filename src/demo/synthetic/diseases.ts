/** What people suffer from: codes, how likely at which age, and what it leads to. */
import { ICD10, SNOMED, type CodeableConcept } from './coding.ts'
import type { Person } from './person.ts'

export interface Disease {
  readonly key: string
  readonly code: CodeableConcept
}

export interface ChronicDisease extends Disease {
  /** Probability that a person has it, from what is known so far: earlier entries of the list count as known. */
  readonly prevalence: (person: Person) => number
  /** Months between visits because of it; undefined if none are needed. */
  readonly visitMonths: number | undefined
}

export interface AcuteDisease extends Disease {
  readonly setting: 'acute' | 'emergency' | 'inpatient'
  readonly lastsDays: number
  /** Weight of the disease among others at this age. */
  readonly weight: (age: number) => number
}

export const CHRONIC_DISEASES: readonly ChronicDisease[] = [
  chronic('obesity', '414916001', 'Obesity', 'E66.9', undefined, ({ bodyMassIndex, age }) =>
    bodyMassIndex >= 30 && age > 12 ? 0.8 : 0,
  ),
  chronic('hypertension', '59621000', 'Essential hypertension', 'I10', 6, ({ age, has }) =>
    between((age - 28) * 0.011 + (has('obesity') ? 0.12 : 0), 0, 0.75),
  ),
  chronic(
    'diabetes',
    '44054006',
    'Type 2 diabetes mellitus',
    'E11.9',
    4,
    ({ age, has }) => between((age - 25) * 0.0045, 0, 0.2) * (has('obesity') ? 2.1 : 0.8),
  ),
  chronic('prediabetes', '714628002', 'Prediabetes', 'R73.03', 12, ({ age, has }) =>
    age < 30 || has('diabetes') ? 0 : has('obesity') ? 0.3 : 0.12,
  ),
  chronic('hyperlipidemia', '55822004', 'Hyperlipidemia', 'E78.5', 12, ({ age, has }) =>
    between((age - 30) * 0.009 + (has('diabetes') ? 0.25 : 0), 0, 0.7),
  ),
  chronic('kidneyDisease', '433144002', 'Chronic kidney disease stage 3', 'N18.30', 6, ({ age, has }) =>
    age < 50 ? 0 : (has('diabetes') ? 0.25 : 0) + (has('hypertension') ? 0.08 : 0.01),
  ),
  chronic(
    'coronaryDisease',
    '53741008',
    'Coronary arteriosclerosis',
    'I25.10',
    6,
    ({ age, smoking }) => between((age - 48) * 0.006, 0, 0.2) * (smoking === 'never' ? 1 : 1.7),
  ),
  chronic('heartFailure', '84114007', 'Heart failure', 'I50.9', 4, ({ age, has }) =>
    age < 60 ? 0 : has('coronaryDisease') ? 0.25 : 0.03,
  ),
  chronic('atrialFibrillation', '49436004', 'Atrial fibrillation', 'I48.91', 6, ({ age }) =>
    between((age - 58) * 0.005, 0, 0.14),
  ),
  chronic('asthma', '195967001', 'Asthma', 'J45.909', 12, ({ age }) => (age < 3 ? 0.02 : 0.085)),
  chronic('lungDisease', '13645005', 'Chronic obstructive pulmonary disease', 'J44.9', 6, ({ age, smoking }) =>
    age < 45 || smoking === 'never' ? 0 : smoking === 'current' ? 0.28 : 0.14,
  ),
  chronic('depression', '370143000', 'Major depressive disorder', 'F32.9', 6, ({ age }) => (age < 15 ? 0 : 0.09)),
  chronic('anxiety', '197480006', 'Anxiety disorder', 'F41.9', undefined, ({ age, has }) =>
    age < 12 ? 0 : has('depression') ? 0.35 : 0.06,
  ),
  chronic('hypothyroidism', '40930008', 'Hypothyroidism', 'E03.9', 12, ({ age, sex }) =>
    age < 25 ? 0.005 : sex === 'female' ? 0.08 : 0.02,
  ),
  chronic('kneeArthritis', '239873007', 'Osteoarthritis of knee', 'M17.9', undefined, ({ age }) =>
    between((age - 48) * 0.011, 0, 0.35),
  ),
  chronic('reflux', '235595009', 'Gastroesophageal reflux disease', 'K21.9', undefined, ({ age }) =>
    age < 20 ? 0 : 0.12,
  ),
  chronic('hayFever', '61582004', 'Allergic rhinitis', 'J30.9', undefined, ({ age }) => (age < 4 ? 0 : 0.14)),
]

export const ACUTE_DISEASES: readonly AcuteDisease[] = [
  acute('sinusitis', '444814009', 'Viral sinusitis', 'J01.90', 'acute', 14, () => 5),
  acute('cold', '54150009', 'Upper respiratory infection', 'J06.9', 'acute', 8, () => 7),
  acute('bronchitis', '10509002', 'Acute bronchitis', 'J20.9', 'acute', 12, (age) => (age < 5 ? 2 : 4)),
  acute('throat', '43878008', 'Streptococcal sore throat', 'J02.0', 'acute', 9, (age) => (age < 18 ? 5 : 1)),
  acute('ear', '65363002', 'Otitis media', 'H66.90', 'acute', 10, (age) => (age < 8 ? 9 : 0.3)),
  acute('urine', '68566005', 'Urinary tract infection', 'N39.0', 'acute', 7, (age) => (age < 15 ? 0.3 : 3)),
  acute('back', '279039007', 'Low back pain', 'M54.50', 'acute', 30, (age) => (age < 20 ? 0 : 4)),
  acute('ankle', '44465007', 'Sprain of ankle', 'S93.409A', 'emergency', 28, () => 4),
  acute('hand', '284549007', 'Laceration of hand', 'S61.419A', 'emergency', 21, () => 3),
  acute('forearm', '65966004', 'Fracture of forearm', 'S52.90XA', 'emergency', 60, (age) =>
    age < 16 || age > 65 ? 3 : 1,
  ),
  acute('chestPain', '29857009', 'Chest pain', 'R07.9', 'emergency', 2, (age) => (age < 35 ? 0.5 : 4)),
  acute('pneumonia', '233604007', 'Pneumonia', 'J18.9', 'inpatient', 21, (age) => (age > 60 ? 6 : 1)),
  acute('appendicitis', '74400008', 'Appendicitis', 'K37', 'inpatient', 14, (age) => (age < 40 ? 2 : 0.5)),
  acute('gallstones', '235919008', 'Calculus of gallbladder', 'K80.20', 'inpatient', 10, (age) => (age < 25 ? 0.1 : 3)),
]

function chronic(
  key: string,
  snomed: string,
  display: string,
  icd10: string,
  visitMonths: number | undefined,
  prevalence: ChronicDisease['prevalence'],
): ChronicDisease {
  return { key, code: diagnosis(snomed, display, icd10), visitMonths, prevalence }
}

function acute(
  key: string,
  snomed: string,
  display: string,
  icd10: string,
  setting: AcuteDisease['setting'],
  lastsDays: number,
  weight: (age: number) => number,
): AcuteDisease {
  return { key, code: diagnosis(snomed, display, icd10), setting, lastsDays, weight }
}

function diagnosis(snomed: string, display: string, icd10: string): CodeableConcept {
  return {
    coding: [
      { system: SNOMED, code: snomed, display },
      { system: ICD10, code: icd10 },
    ],
    text: display,
  }
}

function between(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}
