-- Views.
SELECT c.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, c.relname AS name, '' AS signature,
       pg_get_userbyid(c.relowner) AS owner, c.relacl AS grants, pg_get_viewdef(c.oid) AS definition,
       (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns,
       (SELECT string_agg(quote_ident(option_name) || '=' || quote_literal(option_value), ', ' ORDER BY option_name)
          FROM pg_options_to_table(c.reloptions)) AS options
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'v' AND c.relpersistence <> 't' AND c.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid
                   AND m.deptype = 'e')
