-- Values of enums, in order.
SELECT v.oid, 0 AS subid, row_number() OVER (PARTITION BY v.enumtypid ORDER BY v.enumsortorder) AS position,
       v.enumtypid AS parent, '' AS schema, v.enumlabel AS name, '' AS signature,
       NULL AS owner, NULL AS grants, NULL AS definition
  FROM pg_enum v
 WHERE v.enumtypid >= 16384
