-- Composite types that stand on their own; numbered by their relation, as their attributes are.
SELECT c.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, t.typname AS name, '' AS signature,
       pg_get_userbyid(t.typowner) AS owner, t.typacl AS grants, NULL AS definition
  FROM pg_class c JOIN pg_type t ON t.oid = c.reltype JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE c.relkind = 'c' AND c.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid
                   AND m.deptype = 'e')
