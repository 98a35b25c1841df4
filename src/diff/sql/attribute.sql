-- Attributes of composite types, in order.
SELECT a.attrelid AS oid, a.attnum AS subid, a.attnum AS position, a.attrelid AS parent, '' AS schema, a.attname AS name,
       '' AS signature, NULL AS owner, NULL AS grants, NULL AS definition,
       format_type(a.atttypid, a.atttypmod) AS type, (SELECT format('%I.%I', k.nspname, l.collname) FROM pg_collation l JOIN pg_namespace k ON k.oid = l.collnamespace
          WHERE l.oid = a.attcollation AND l.oid <> (SELECT y.typcollation FROM pg_type y WHERE y.oid = a.atttypid)) AS collation
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relkind = 'c' AND c.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped
