-- Check constraints of domains.
SELECT k.oid, 0 AS subid, 0 AS position, k.contypid AS parent, '' AS schema, k.conname AS name, '' AS signature,
       NULL AS owner, NULL AS grants, pg_get_constraintdef(k.oid) AS definition, k.convalidated AS validated
  FROM pg_constraint k
 WHERE k.contypid >= 16384
