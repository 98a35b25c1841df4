-- Extensions; what they brought along is never an object of its own.
SELECT e.oid, 0 AS subid, 0 AS position, 0 AS parent, '' AS schema, e.extname AS name, '' AS signature,
       pg_get_userbyid(e.extowner) AS owner, NULL AS grants, NULL AS definition,
       n.nspname AS schema, e.extversion AS version
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
