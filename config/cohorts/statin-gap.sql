-- title: Atherosclerotic cardiovascular disease without a statin
-- description: Living adults who ever had a diagnosis of atherosclerotic cardiovascular disease (coronary disease,
--   myocardial infarction, ischemic stroke, peripheral arterial disease) and have neither an active order of a statin nor
--   one written within the look-back. The index date is the first day of such a diagnosis.
-- simplified: After the first population of CMS347 (Statin Therapy for the Prevention and Treatment of Cardiovascular
--   Disease). That measure also knows procedures (bypass, stent), patients with high LDL cholesterol or with diabetes, and
--   leaves out pregnancy, rhabdomyolysis, liver disease, end-stage renal disease, statin intolerance, hospice and palliative
--   care. SNOMED CT 230690007 is any stroke, hemorrhagic ones too. A product is found by its own code where it is one of
--   those below, else by the name of its ingredient, which RxNorm's names of products spell out. What was bought or
--   dispensed without an order is not seen.
-- codes:
--   SNOMED CT 53741008 Coronary arteriosclerosis
--   SNOMED CT 414545008 Ischemic heart disease
--   SNOMED CT 22298006 Myocardial infarction
--   SNOMED CT 399211009 History of myocardial infarction
--   SNOMED CT 230690007 Cerebrovascular accident
--   SNOMED CT 399957001 Peripheral arterial disease
--   ICD-10-CM I20* Angina pectoris
--   ICD-10-CM I21* Acute myocardial infarction
--   ICD-10-CM I22* Subsequent myocardial infarction
--   ICD-10-CM I24* Other acute ischemic heart diseases
--   ICD-10-CM I25* Chronic ischemic heart disease
--   ICD-10-CM I63* Cerebral infarction
--   ICD-10-CM I70* Atherosclerosis
--   RxNorm 83367 atorvastatin
--   RxNorm 41127 fluvastatin
--   RxNorm 6472 lovastatin
--   RxNorm 861634 pitavastatin
--   RxNorm 42463 pravastatin
--   RxNorm 301542 rosuvastatin
--   RxNorm 36567 simvastatin
--   RxNorm 314231 simvastatin 10 MG Oral Tablet
--   RxNorm 312961 simvastatin 20 MG Oral Tablet
-- parameter lookback_days INTEGER = 365  an order that is not active counts up to so many days after it was written
-- parameter age_min INTEGER = 20  years, today
-- parameter as_of DATE = NULL  today; NULL: the day of the newest encounter of the snapshot

WITH today AS (
  SELECT coalesce($as_of, max(period_start)::DATE) AS day FROM encounter
  -- A visit that is planned has not been: it lies after the last change of any.
  WHERE period_start <= (SELECT coalesce(max(_last_updated), 'infinity') FROM encounter)
),
diseased AS (
  SELECT c.patient_key, min(coalesce(c.onset_datetime, c.recorded_date))::DATE AS since
  FROM condition AS c JOIN condition_coding AS k ON k.condition_key = c._resource_key CROSS JOIN today
  WHERE ((k.code_system = 'http://snomed.info/sct'
        AND k.code IN ('53741008', '414545008', '22298006', '399211009', '230690007', '399957001'))
      OR (k.code_system = 'http://hl7.org/fhir/sid/icd-10-cm'
        AND regexp_matches(k.code, '^(I20|I21|I22|I24|I25|I63|I70)')))
    AND coalesce(c.verification_status, 'confirmed') NOT IN ('refuted', 'entered-in-error')
    AND coalesce(c.onset_datetime::DATE <= today.day, true)
  GROUP BY c.patient_key
),
-- What is ordered is a code with the order, of a Medication in it, or of one it refers to.
ordered AS (
  SELECT medication_request_key, code_system, code, code_display FROM medication_request_coding
  UNION ALL
  SELECT r._resource_key, m.code_system, m.code, m.code_display
  FROM medication_request AS r JOIN medication_coding AS m ON m.medication_key = r.medication_key
),
statin AS (
  SELECT DISTINCT medication_request_key FROM ordered
  WHERE code_system = 'http://www.nlm.nih.gov/research/umls/rxnorm'
    AND (code IN ('83367', '41127', '6472', '861634', '42463', '301542', '36567', '314231', '312961')
      OR regexp_matches(code_display, '(?i)\b(atorva|fluva|lova|pitava|prava|rosuva|simva)statin\b'))
),
treated AS (
  SELECT DISTINCT r.patient_key
  FROM medication_request AS r JOIN statin AS s ON s.medication_request_key = r._resource_key CROSS JOIN today
  WHERE coalesce(r.do_not_perform, false) = false
    AND r.status IN ('active', 'completed', 'on-hold', 'stopped')
    AND coalesce(r.authored_on::DATE <= today.day, true)
    AND (r.status = 'active' OR r.authored_on::DATE >= today.day - $lookback_days)
)
SELECT d.patient_key, d.since AS index_date
FROM diseased AS d CROSS JOIN today JOIN patient AS p ON p._resource_key = d.patient_key
WHERE d.patient_key NOT IN (SELECT patient_key FROM treated WHERE patient_key IS NOT NULL)
  AND coalesce(p.deceased_boolean, false) = false AND coalesce(p.deceased_datetime::DATE > today.day, true)
  AND date_sub('year', p.birth_date, today.day) >= $age_min
