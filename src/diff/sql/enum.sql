-- Enums; their values are children.
SELECT t.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, t.typname AS name, '' AS signature,
       pg_get_userbyid(t.typowner) AS owner, t.typacl AS grants, NULL AS definition
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE t.typtype = 'e' AND t.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid
                   AND m.deptype = 'e')
