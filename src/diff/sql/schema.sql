-- Schemas, public too.
SELECT n.oid, 0 AS subid, 0 AS position, 0 AS parent, '' AS schema, n.nspname AS name, '' AS signature,
       pg_get_userbyid(n.nspowner) AS owner, n.nspacl AS grants, NULL AS definition
  FROM pg_namespace n
 WHERE (n.oid >= 16384 OR n.nspname = 'public')
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_namespace'::regclass AND m.objid = n.oid
                   AND m.deptype = 'e')
