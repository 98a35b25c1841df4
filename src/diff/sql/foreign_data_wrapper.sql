-- Foreign-data wrappers.
SELECT w.oid, 0 AS subid, 0 AS position, 0 AS parent, '' AS schema, w.fdwname AS name, '' AS signature,
       pg_get_userbyid(w.fdwowner) AS owner, w.fdwacl AS grants, NULL AS definition,
       CASE WHEN w.fdwhandler <> 0 THEN w.fdwhandler::regproc END AS handler, CASE WHEN w.fdwvalidator <> 0 THEN w.fdwvalidator::regproc END AS validator,
       (SELECT string_agg(quote_ident(option_name) || ' ' || quote_literal(option_value), ', ' ORDER BY option_name)
          FROM pg_options_to_table(w.fdwoptions)) AS options
  FROM pg_foreign_data_wrapper w
 WHERE w.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_foreign_data_wrapper'::regclass AND m.objid = w.oid
                   AND m.deptype = 'e')
