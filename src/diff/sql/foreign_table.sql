-- Foreign tables.
SELECT c.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, c.relname AS name, '' AS signature,
       pg_get_userbyid(c.relowner) AS owner, c.relacl AS grants, NULL AS definition,
       s.srvname AS server,
       (SELECT string_agg(quote_ident(option_name) || ' ' || quote_literal(option_value), ', ' ORDER BY option_name)
          FROM pg_options_to_table(f.ftoptions)) AS foreign_options,
       (SELECT h.inhparent::regclass FROM pg_inherits h WHERE h.inhrelid = c.oid AND c.relispartition) AS partition_of,
       CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS bound,
       (SELECT string_agg(h.inhparent::regclass::text, ', ' ORDER BY h.inhseqno) FROM pg_inherits h
         WHERE h.inhrelid = c.oid AND NOT c.relispartition) AS inherits
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_foreign_table f ON f.ftrelid = c.oid JOIN pg_foreign_server s ON s.oid = f.ftserver
 WHERE c.relkind = 'f' AND c.relpersistence <> 't' AND c.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid
                   AND m.deptype = 'e')
