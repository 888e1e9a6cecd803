-- title: Diabetes with high HbA1c
-- description: Adults with type 1 or type 2 diabetes whose last hemoglobin A1c within the look-back is above the
--   threshold. The index date is the day of that result.
-- simplified: After CMS122 (Diabetes: Glycemic Status Assessment Greater Than 9%). That measure also counts patients
--   without any result, asks for a visit in the measurement year, takes a glucose management indicator too, and leaves out
--   hospice, long-term care and frailty with advanced illness; its value sets have every code below the ones here.
--   Results that are not in percent (mmol/mol) are left out.
-- codes:
--   SNOMED CT 44054006 Diabetes mellitus type 2
--   SNOMED CT 46635009 Diabetes mellitus type 1
--   SNOMED CT 73211009 Diabetes mellitus
--   ICD-10-CM E10* Type 1 diabetes mellitus
--   ICD-10-CM E11* Type 2 diabetes mellitus
--   ICD-10-CM E13* Other specified diabetes mellitus
--   LOINC 4548-4 Hemoglobin A1c/Hemoglobin.total in Blood
--   LOINC 4549-2 Hemoglobin A1c/Hemoglobin.total in Blood by Electrophoresis
--   LOINC 17856-6 Hemoglobin A1c/Hemoglobin.total in Blood by HPLC
-- parameter hba1c_above DOUBLE = 9.0  percent; the last result must be higher
-- parameter lookback_days INTEGER = 730  an older result does not count
-- parameter age_min INTEGER = 18  years, on that day
-- parameter age_max INTEGER = 75  years, on that day
-- parameter as_of DATE = NULL  the day to look back from; NULL: that of the newest encounter of the snapshot

WITH today AS (
  SELECT coalesce($as_of, max(period_start)::DATE) AS day FROM encounter
  -- A visit that is planned has not been: it lies after the last change of any.
  WHERE period_start <= (SELECT coalesce(max(_last_updated), 'infinity') FROM encounter)
),
diabetic AS (
  SELECT DISTINCT c.patient_key
  FROM condition AS c JOIN condition_coding AS k ON k.condition_key = c._resource_key
  WHERE ((k.code_system = 'http://snomed.info/sct' AND k.code IN ('44054006', '46635009', '73211009'))
      OR (k.code_system = 'http://hl7.org/fhir/sid/icd-10-cm' AND regexp_matches(k.code, '^(E10|E11|E13)')))
    AND coalesce(c.clinical_status, 'active') IN ('active', 'recurrence', 'relapse')
    AND coalesce(c.verification_status, 'confirmed') NOT IN ('refuted', 'entered-in-error')
),
last_result AS (
  SELECT o.patient_key, arg_max(o.value_quantity, o.effective_datetime) AS hba1c, max(o.effective_datetime) AS at
  FROM observation AS o CROSS JOIN today
  WHERE o._resource_key IN (
      SELECT observation_key FROM observation_coding
      WHERE code_system = 'http://loinc.org' AND code IN ('4548-4', '4549-2', '17856-6'))
    AND o.status IN ('final', 'amended', 'corrected')
    AND o.value_quantity IS NOT NULL AND coalesce(o.value_unit_code, '%') = '%'
    AND o.effective_datetime::DATE BETWEEN today.day - $lookback_days AND today.day
  GROUP BY o.patient_key
)
SELECT r.patient_key, r.at::DATE AS index_date, r.hba1c
FROM last_result AS r
  JOIN diabetic USING (patient_key)
  JOIN patient AS p ON p._resource_key = r.patient_key
WHERE r.hba1c > $hba1c_above
  AND date_sub('year', p.birth_date, r.at::DATE) BETWEEN $age_min AND $age_max
