-- Indexes that don't stand behind a constraint; those of TOAST tables are nobody's.
SELECT c.oid, 0 AS subid, 0 AS position, x.indrelid AS parent, n.nspname AS schema, c.relname AS name, '' AS signature,
       NULL AS owner, NULL AS grants, pg_get_indexdef(c.oid) AS definition, x.indisunique AS "unique",
       x.indisvalid AS valid, (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = c.reltablespace) AS tablespace,
       x.indisclustered AS clustered, x.indisreplident AS replica_identity,
       (SELECT string_agg(format('%s=%s', a.attnum, a.attstattarget), ', ' ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0) AS statistics,
       h.inhparent::regclass AS part_of, h.inhparent IS NOT NULL AS inherited
  FROM pg_index x
       JOIN pg_class c ON c.oid = x.indexrelid
       JOIN pg_class r ON r.oid = x.indrelid AND r.relkind IN ('r', 'p', 'm')
       JOIN pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN pg_inherits h ON h.inhrelid = c.oid
 WHERE c.oid >= 16384 AND c.relpersistence <> 't'
   AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))
