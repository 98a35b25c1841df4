-- Text search templates.
SELECT t.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, t.tmplname AS name, '' AS signature,
       NULL AS owner, NULL AS grants, NULL AS definition,
       CASE WHEN t.tmplinit <> 0 THEN t.tmplinit::regproc END AS init, t.tmpllexize::regproc AS lexize
  FROM pg_ts_template t JOIN pg_namespace n ON n.oid = t.tmplnamespace
 WHERE t.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_ts_template'::regclass AND m.objid = t.oid
                   AND m.deptype = 'e')
