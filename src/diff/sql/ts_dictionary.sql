-- Text search dictionaries.
SELECT d.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, d.dictname AS name, '' AS signature,
       pg_get_userbyid(d.dictowner) AS owner, NULL AS grants, NULL AS definition,
       (SELECT format('%I.%I', k.nspname, t.tmplname) FROM pg_ts_template t JOIN pg_namespace k ON k.oid = t.tmplnamespace
         WHERE t.oid = d.dicttemplate) AS template,
       d.dictinitoption AS options
  FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace
 WHERE d.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_ts_dict'::regclass AND m.objid = d.oid
                   AND m.deptype = 'e')
