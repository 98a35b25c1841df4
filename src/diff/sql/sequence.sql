-- Sequences, without those behind identity columns.
SELECT c.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, c.relname AS name, '' AS signature,
       pg_get_userbyid(c.relowner) AS owner, c.relacl AS grants, NULL AS definition,
       c.relpersistence AS persistence, format_type(s.seqtypid, NULL) AS type, s.seqstart AS start,
       s.seqincrement AS increment, s.seqmin AS minimum, s.seqmax AS maximum, s.seqcache AS cache, s.seqcycle AS cycle,
       (SELECT format('%s.%I', d.refobjid::regclass, a.attname)
          FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
         WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
           AND d.deptype = 'a') AS owned_by
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_sequence s ON s.seqrelid = c.oid
 WHERE c.relpersistence <> 't' AND c.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid
                   AND m.deptype IN ('e', 'i'))
