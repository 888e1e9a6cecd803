-- title: Uncontrolled hypertension
-- description: Adults with essential hypertension whose blood pressure on the last day it was taken, within the look-back
--   and not in a hospital or an emergency room, was at or above 140 systolic or at or above 90 diastolic. Of several
--   readings of that day the lowest systolic and the lowest diastolic count. Patients with end-stage renal disease or an
--   active pregnancy are left out. The index date is that day.
-- simplified: After CMS165 (Controlling High Blood Pressure), turned round: the measure counts who is controlled, and
--   takes a patient without a reading for uncontrolled. It also asks for a visit and a diagnosis before the middle of the
--   measurement year, and leaves out dialysis, renal transplants, hospice, long-term care and frailty; its value sets have
--   more codes. Pressures sent as observations of their own, not as components, are not looked at.
-- codes:
--   SNOMED CT 59621000 Essential hypertension
--   ICD-10-CM I10 Essential (primary) hypertension
--   SNOMED CT 46177005 End-stage renal disease
--   ICD-10-CM N18.6 End stage renal disease
--   SNOMED CT 77386006 Pregnancy
--   SNOMED CT 72892002 Normal pregnancy
--   ICD-10-CM Z33* Pregnant state
--   ICD-10-CM Z34* Encounter for supervision of normal pregnancy
--   LOINC 85354-9 Blood pressure panel with all children optional
--   LOINC 8480-6 Systolic blood pressure
--   LOINC 8462-4 Diastolic blood pressure
--   HL7 EMER Emergency encounter
--   HL7 IMP Inpatient encounter
--   HL7 ACUTE Inpatient acute encounter
-- parameter systolic_min DOUBLE = 140  mm[Hg]; at or above it is uncontrolled
-- parameter diastolic_min DOUBLE = 90  mm[Hg]; at or above it is uncontrolled
-- parameter lookback_days INTEGER = 730  an older reading does not count
-- parameter age_min INTEGER = 18  years, on that day
-- parameter age_max INTEGER = 85  years, on that day
-- parameter as_of DATE = NULL  the day to look back from; NULL: that of the newest encounter of the snapshot

WITH today AS (
  SELECT coalesce($as_of, max(period_start)::DATE) AS day FROM encounter
  -- A visit that is planned has not been: it lies after the last change of any.
  WHERE period_start <= (SELECT coalesce(max(_last_updated), 'infinity') FROM encounter)
),
diagnosis AS (
  SELECT c.patient_key, k.code_system, k.code
  FROM condition AS c JOIN condition_coding AS k ON k.condition_key = c._resource_key
  WHERE coalesce(c.clinical_status, 'active') IN ('active', 'recurrence', 'relapse')
    AND coalesce(c.verification_status, 'confirmed') NOT IN ('refuted', 'entered-in-error')
),
hypertensive AS (
  SELECT DISTINCT patient_key FROM diagnosis
  WHERE (code_system = 'http://snomed.info/sct' AND code = '59621000')
    OR (code_system = 'http://hl7.org/fhir/sid/icd-10-cm' AND code = 'I10')
),
left_out AS (
  SELECT DISTINCT patient_key FROM diagnosis
  WHERE (code_system = 'http://snomed.info/sct' AND code IN ('46177005', '77386006', '72892002'))
    OR (code_system = 'http://hl7.org/fhir/sid/icd-10-cm' AND (code = 'N18.6' OR regexp_matches(code, '^(Z33|Z34)')))
),
-- The table has one row a reading with its two components: LOINC 85354-9, 8480-6, 8462-4.
reading AS (
  SELECT b.patient_key, b.effective_datetime::DATE AS day, min(b.systolic) AS systolic, min(b.diastolic) AS diastolic
  FROM blood_pressure AS b CROSS JOIN today LEFT JOIN encounter AS e ON e._resource_key = b.encounter_key
  WHERE b.status IN ('final', 'amended', 'corrected') AND b.systolic IS NOT NULL AND b.diastolic IS NOT NULL
    AND coalesce(e.class_code, 'AMB') NOT IN ('EMER', 'IMP', 'ACUTE')
    AND b.effective_datetime::DATE BETWEEN today.day - $lookback_days AND today.day
  GROUP BY ALL
),
last_day AS (
  FROM reading QUALIFY row_number() OVER (PARTITION BY patient_key ORDER BY day DESC) = 1
)
SELECT d.patient_key, d.day AS index_date, d.systolic, d.diastolic
FROM last_day AS d
  JOIN hypertensive USING (patient_key)
  JOIN patient AS p ON p._resource_key = d.patient_key
WHERE (d.systolic >= $systolic_min OR d.diastolic >= $diastolic_min)
  AND d.patient_key NOT IN (SELECT patient_key FROM left_out WHERE patient_key IS NOT NULL)
  AND date_sub('year', p.birth_date, d.day) BETWEEN $age_min AND $age_max
