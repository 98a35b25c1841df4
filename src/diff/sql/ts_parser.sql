-- Text search parsers.
SELECT p.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, p.prsname AS name, '' AS signature,
       NULL AS owner, NULL AS grants, NULL AS definition,
       p.prsstart::regproc AS start, p.prstoken::regproc AS gettoken, p.prsend::regproc AS "end",
       CASE WHEN p.prsheadline <> 0 THEN p.prsheadline::regproc END AS headline, p.prslextype::regproc AS lextypes
  FROM pg_ts_parser p JOIN pg_namespace n ON n.oid = p.prsnamespace
 WHERE p.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_ts_parser'::regclass AND m.objid = p.oid
                   AND m.deptype = 'e')
