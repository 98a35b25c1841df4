-- Extended statistics.
SELECT s.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, s.stxname AS name, '' AS signature,
       pg_get_userbyid(s.stxowner) AS owner, NULL AS grants, pg_get_statisticsobjdef(s.oid) AS definition,
       s.stxrelid::regclass AS "table", NULLIF(s.stxstattarget, -1) AS target
  FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
 WHERE s.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_statistic_ext'::regclass AND m.objid = s.oid
                   AND m.deptype = 'e')
