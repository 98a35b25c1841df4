-- Tables, partitioned ones too.
SELECT c.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, c.relname AS name, '' AS signature,
       pg_get_userbyid(c.relowner) AS owner, c.relacl AS grants, NULL AS definition,
       c.relpersistence AS persistence, CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
       (SELECT h.inhparent::regclass FROM pg_inherits h WHERE h.inhrelid = c.oid AND c.relispartition) AS partition_of,
       CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS bound,
       (SELECT string_agg(h.inhparent::regclass::text, ', ' ORDER BY h.inhseqno) FROM pg_inherits h
         WHERE h.inhrelid = c.oid AND NOT c.relispartition) AS inherits,
       CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END AS of_type,
       (SELECT m.amname FROM pg_am m WHERE m.oid = c.relam) AS access_method,
       (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = c.reltablespace) AS tablespace,
       (SELECT string_agg(quote_ident(option_name) || '=' || quote_literal(option_value), ', ' ORDER BY option_name)
          FROM pg_options_to_table(c.reloptions)) AS options,
       (SELECT string_agg(quote_ident(option_name) || '=' || quote_literal(option_value), ', ' ORDER BY option_name)
          FROM pg_options_to_table((SELECT o.reloptions FROM pg_class o WHERE o.oid = c.reltoastrelid))) AS toast_options,
       c.relreplident AS replica_identity, c.relrowsecurity AS row_security, c.relforcerowsecurity AS force_row_security
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND c.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid
                   AND m.deptype = 'e')
