-- title: New opioid starts
-- description: Adults who were ordered an opioid for pain within the look-back and had no order of one in the washout
--   before it. The index date is the day of the first such order.
-- simplified: After the new episode of HEDIS COU (Risk of Continued Opioid Use), which looks at dispensed medicines, counts
--   days of supply, and leaves out cancer, sickle cell disease, hospice and palliative care. Orders are looked at here, be
--   they dispensed or not. A product is found by its own code where it is one of those below, else by the name of its
--   ingredient, which RxNorm's names of products spell out. Buprenorphine, which mostly treats dependence, and cough syrups
--   by other names are left out.
-- codes:
--   RxNorm 2670 codeine
--   RxNorm 4337 fentanyl
--   RxNorm 5489 hydrocodone
--   RxNorm 3423 hydromorphone
--   RxNorm 6754 meperidine
--   RxNorm 6813 methadone
--   RxNorm 7052 morphine
--   RxNorm 7804 oxycodone
--   RxNorm 7814 oxymorphone
--   RxNorm 787390 tapentadol
--   RxNorm 10689 tramadol
--   RxNorm 856987 acetaminophen 300 MG / hydrocodone bitartrate 5 MG Oral Tablet
--   RxNorm 1049221 acetaminophen 325 MG / oxycodone hydrochloride 5 MG Oral Tablet
--   RxNorm 861467 meperidine hydrochloride 50 MG Oral Tablet
--   RxNorm 1860154 abuse-deterrent 12 HR oxycodone hydrochloride 15 MG Extended Release Oral Tablet
-- parameter lookback_days INTEGER = 365  an order counts as a start up to so many days ago
-- parameter washout_days INTEGER = 180  days before it without an order of an opioid
-- parameter age_min INTEGER = 18  years, on the day of the order
-- parameter as_of DATE = NULL  the day to look back from; NULL: that of the newest encounter of the snapshot

WITH today AS (
  SELECT coalesce($as_of, max(period_start)::DATE) AS day FROM encounter
  -- A visit that is planned has not been: it lies after the last change of any.
  WHERE period_start <= (SELECT coalesce(max(_last_updated), 'infinity') FROM encounter)
),
-- What is ordered is a code with the order, of a Medication in it, or of one it refers to.
ordered AS (
  SELECT medication_request_key, code_system, code, code_display FROM medication_request_coding
  UNION ALL
  SELECT r._resource_key, m.code_system, m.code, m.code_display
  FROM medication_request AS r JOIN medication_coding AS m ON m.medication_key = r.medication_key
),
opioid AS (
  SELECT DISTINCT medication_request_key FROM ordered
  WHERE code_system = 'http://www.nlm.nih.gov/research/umls/rxnorm'
    AND (code IN ('2670', '4337', '5489', '3423', '6754', '6813', '7052', '7804', '7814', '787390', '10689',
        '856987', '1049221', '861467', '1860154')
      OR regexp_matches(code_display, '(?i)\b(codeine|fentanyl|hydrocodone|hydromorphone|meperidine|methadone|morphine|oxycodone|oxymorphone|tapentadol|tramadol)\b'))
),
opioid_day AS (
  SELECT DISTINCT r.patient_key, r.authored_on::DATE AS day
  FROM medication_request AS r JOIN opioid AS o ON o.medication_request_key = r._resource_key
  WHERE r.authored_on IS NOT NULL AND coalesce(r.do_not_perform, false) = false
    AND r.status IN ('active', 'completed', 'on-hold', 'stopped')
    AND r.intent IN ('order', 'original-order', 'instance-order', 'filler-order', 'reflex-order')
),
spaced AS (
  SELECT patient_key, day, lag(day) OVER (PARTITION BY patient_key ORDER BY day) AS before FROM opioid_day
)
SELECT s.patient_key, min(s.day) AS index_date
FROM spaced AS s CROSS JOIN today JOIN patient AS p ON p._resource_key = s.patient_key
WHERE s.day BETWEEN today.day - $lookback_days AND today.day
  AND (s.before IS NULL OR s.day - s.before > $washout_days)
  AND date_sub('year', p.birth_date, s.day) >= $age_min
GROUP BY s.patient_key
