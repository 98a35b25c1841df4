-- Collations. Their versions belong to the machine, not to the schema.
SELECT c.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, c.collname AS name, '' AS signature,
       pg_get_userbyid(c.collowner) AS owner, NULL AS grants, NULL AS definition,
       c.collprovider AS provider, c.collcollate AS "collate", c.collctype AS ctype, c.colliculocale AS icu_locale,
       c.collisdeterministic AS deterministic
  FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
 WHERE c.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_collation'::regclass AND m.objid = c.oid
                   AND m.deptype = 'e')
