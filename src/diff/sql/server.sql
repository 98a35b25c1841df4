-- Foreign servers.
SELECT s.oid, 0 AS subid, 0 AS position, 0 AS parent, '' AS schema, s.srvname AS name, '' AS signature,
       pg_get_userbyid(s.srvowner) AS owner, s.srvacl AS grants, NULL AS definition,
       w.fdwname AS wrapper, s.srvtype AS type, s.srvversion AS version,
       (SELECT string_agg(quote_ident(option_name) || ' ' || quote_literal(option_value), ', ' ORDER BY option_name)
          FROM pg_options_to_table(s.srvoptions)) AS options
  FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
 WHERE s.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_foreign_server'::regclass AND m.objid = s.oid
                   AND m.deptype = 'e')
