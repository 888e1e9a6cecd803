-- title: Readmission within 30 days
-- description: Adults who were discharged from an inpatient stay within the look-back and admitted again, for whatever
--   reason, within 30 days. An admission on the day of the discharge is taken for a transfer, not a readmission. The index
--   date is the day of the last discharge that was followed by one.
-- simplified: After HEDIS PCR (Plan All-Cause Readmissions). That measure joins transfers to one stay, also counts
--   observation stays, and leaves out planned admissions, pregnancy and perinatal conditions, stays that ended in death,
--   and members with many stays; it compares with what the case mix lets expect. Nothing of that is done here, but that a
--   stay that ended in death is left out.
-- codes:
--   HL7 IMP Inpatient encounter
--   HL7 ACUTE Inpatient acute
--   HL7 NONAC Inpatient non-acute
--   HL7 exp Discharge disposition: expired
-- parameter within_days INTEGER = 30  from the discharge to the next admission
-- parameter lookback_days INTEGER = 1095  an older discharge does not count
-- parameter age_min INTEGER = 18  years, on the day of the discharge
-- parameter as_of DATE = NULL  the day to look back from; NULL: that of the newest encounter of the snapshot

WITH today AS (
  SELECT coalesce($as_of, max(period_start)::DATE) AS day FROM encounter
  -- A visit that is planned has not been: it lies after the last change of any.
  WHERE period_start <= (SELECT coalesce(max(_last_updated), 'infinity') FROM encounter)
),
stay AS (
  SELECT patient_key, period_start::DATE AS admitted, period_end::DATE AS discharged,
    coalesce(discharge_disposition_code = 'exp', false) AS died
  FROM encounter
  WHERE class_code IN ('IMP', 'ACUTE', 'NONAC') AND status IN ('finished', 'in-progress', 'onleave')
    AND period_start IS NOT NULL
),
readmitted AS (
  SELECT s.patient_key, max(s.discharged) AS discharged
  FROM stay AS s CROSS JOIN today JOIN stay AS next
    ON next.patient_key = s.patient_key
      AND next.admitted > s.discharged AND next.admitted <= s.discharged + $within_days
  WHERE s.discharged BETWEEN today.day - $lookback_days AND today.day AND next.admitted <= today.day AND NOT s.died
  GROUP BY s.patient_key
)
SELECT r.patient_key, r.discharged AS index_date
FROM readmitted AS r JOIN patient AS p ON p._resource_key = r.patient_key
WHERE date_sub('year', p.birth_date, r.discharged) >= $age_min
