-- Domains.
SELECT t.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, t.typname AS name, '' AS signature,
       pg_get_userbyid(t.typowner) AS owner, t.typacl AS grants, NULL AS definition,
       format_type(t.typbasetype, t.typtypmod) AS type, (SELECT format('%I.%I', k.nspname, l.collname) FROM pg_collation l JOIN pg_namespace k ON k.oid = l.collnamespace
          WHERE l.oid = t.typcollation AND l.oid <> (SELECT y.typcollation FROM pg_type y WHERE y.oid = t.typbasetype)) AS collation,
       t.typnotnull AS not_null, COALESCE(pg_get_expr(t.typdefaultbin, 0), t.typdefault) AS "default"
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE t.typtype = 'd' AND t.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid
                   AND m.deptype = 'e')
