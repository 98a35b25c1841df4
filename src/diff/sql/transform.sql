-- Transforms.
SELECT t.oid, 0 AS subid, 0 AS position, 0 AS parent, '' AS schema,
       format('FOR %s LANGUAGE %I', format_type(t.trftype, NULL), l.lanname) AS name, '' AS signature,
       NULL AS owner, NULL AS grants, NULL AS definition,
       CASE WHEN t.trffromsql <> 0 THEN t.trffromsql::regprocedure END AS from_sql,
       CASE WHEN t.trftosql <> 0 THEN t.trftosql::regprocedure END AS to_sql
  FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang
 WHERE t.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_transform'::regclass AND m.objid = t.oid
                   AND m.deptype = 'e')
