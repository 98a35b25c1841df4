-- Constraints of tables and foreign tables. Constraint triggers are triggers. columns: numbers, which the reader turns into
-- names.
SELECT k.oid, 0 AS subid, 0 AS position, k.conrelid AS parent, '' AS schema, k.conname AS name, '' AS signature,
       NULL AS owner, NULL AS grants, pg_get_constraintdef(k.oid) AS definition, k.contype AS type,
       array_to_string(k.conkey, ' ') AS columns,
       CASE WHEN k.confrelid <> 0 THEN k.confrelid::regclass END AS "references",
       k.condeferrable AS deferrable, k.condeferred AS deferred, k.convalidated AS validated,
       k.connoinherit AND k.contype = 'c' AS no_inherit,
       k.conislocal AND NOT (c.relispartition AND k.coninhcount > 0) AS local,
       k.coninhcount > 0 OR k.conparentid <> 0 AS inherited,
       CASE WHEN k.conindid <> 0 AND k.contype IN ('p', 'u', 'x') THEN
         (SELECT s.spcname FROM pg_class i JOIN pg_tablespace s ON s.oid = i.reltablespace WHERE i.oid = k.conindid)
       END AS tablespace,
       COALESCE(x.indisclustered, false) AS clustered, COALESCE(x.indisreplident, false) AS replica_identity,
       CASE WHEN k.contype IN ('p', 'u', 'x') THEN
         (SELECT e.description FROM pg_description e
           WHERE e.objoid = k.conindid AND e.classoid = 'pg_class'::regclass AND e.objsubid = 0)
       END AS index_comment
  FROM pg_constraint k
       JOIN pg_class c ON c.oid = k.conrelid
       LEFT JOIN pg_index x ON x.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
 WHERE k.conrelid >= 16384 AND k.contype <> 't' AND c.relkind IN ('r', 'p', 'f')
   AND NOT (k.contype = 'f' AND k.conparentid <> 0 AND EXISTS ( -- copies that check the partitions that are referred to
         SELECT FROM pg_constraint p WHERE p.oid = k.conparentid AND p.conrelid = k.conrelid))
