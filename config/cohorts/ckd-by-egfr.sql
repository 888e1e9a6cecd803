-- title: Chronic kidney disease by eGFR
-- description: Adults whose last estimated glomerular filtration rate within the look-back is below 60 mL/min/1.73 m², and
--   was so at least 90 days before, with no result at or above it in between. The stage is that of the last result (G3a
--   45-59, G3b 30-44, G4 15-29, G5 below 15). The index date is its day.
-- simplified: After KDIGO 2012/2024, by filtration alone: chronic means more than three months there, and albuminuria or
--   other damage makes stages 1 and 2, which are not looked for here. Dialysis and transplants are not told apart, results
--   in a hospital (acute injury) count, and no rate is estimated from creatinine where the laboratory gives none. A result such as ">60" or "<15" is
--   taken for its number.
-- codes:
--   LOINC 33914-3 GFR/1.73 sq M.predicted by Creatinine-based formula (MDRD)
--   LOINC 48642-3 GFR/1.73 sq M.predicted among non-blacks by Creatinine-based formula (MDRD)
--   LOINC 48643-1 GFR/1.73 sq M.predicted among blacks by Creatinine-based formula (MDRD)
--   LOINC 62238-1 GFR/1.73 sq M.predicted by Creatinine-based formula (CKD-EPI)
--   LOINC 88293-6 GFR/1.73 sq M.predicted among blacks by Creatinine-based formula (CKD-EPI)
--   LOINC 88294-4 GFR/1.73 sq M.predicted among non-blacks by Creatinine-based formula (CKD-EPI)
--   LOINC 98979-8 GFR/1.73 sq M.predicted by Creatinine-based formula (CKD-EPI 2021)
-- parameter egfr_below DOUBLE = 60  mL/min/1.73 m²; lower is reduced
-- parameter apart_days INTEGER = 90  so long before the last result it must have been reduced already
-- parameter lookback_days INTEGER = 1095  older results do not count
-- parameter age_min INTEGER = 18  years, on the day of the last result
-- parameter as_of DATE = NULL  the day to look back from; NULL: that of the newest encounter of the snapshot

WITH today AS (
  SELECT coalesce($as_of, max(period_start)::DATE) AS day FROM encounter
  -- A visit that is planned has not been: it lies after the last change of any.
  WHERE period_start <= (SELECT coalesce(max(_last_updated), 'infinity') FROM encounter)
),
-- Of several results of a day the highest: one of them may be for other people's formula.
result AS (
  SELECT o.patient_key, o.effective_datetime::DATE AS day, max(o.value_quantity) AS egfr
  FROM observation AS o CROSS JOIN today
  WHERE o._resource_key IN (
      SELECT observation_key FROM observation_coding
      WHERE code_system = 'http://loinc.org'
        AND code IN ('33914-3', '48642-3', '48643-1', '62238-1', '88293-6', '88294-4', '98979-8'))
    AND o.status IN ('final', 'amended', 'corrected') AND o.value_quantity IS NOT NULL
    AND o.effective_datetime::DATE BETWEEN today.day - $lookback_days AND today.day
  GROUP BY ALL
),
-- The last stretch of reduced results: those after the last one that was not.
reduced AS (
  SELECT r.patient_key, min(r.day) AS since, max(r.day) AS last_day, arg_max(r.egfr, r.day) AS egfr
  FROM result AS r LEFT JOIN (
      SELECT patient_key, max(day) AS day FROM result WHERE egfr >= $egfr_below GROUP BY patient_key) AS healthy
    ON healthy.patient_key = r.patient_key
  WHERE healthy.day IS NULL OR r.day > healthy.day
  GROUP BY r.patient_key
)
SELECT r.patient_key, r.last_day AS index_date, r.egfr, r.since AS reduced_since,
  CASE WHEN r.egfr >= 60 THEN NULL WHEN r.egfr >= 45 THEN 'G3a' WHEN r.egfr >= 30 THEN 'G3b'
    WHEN r.egfr >= 15 THEN 'G4' ELSE 'G5' END AS stage
FROM reduced AS r JOIN patient AS p ON p._resource_key = r.patient_key
WHERE r.last_day - r.since >= $apart_days
  AND date_sub('year', p.birth_date, r.last_day) >= $age_min
