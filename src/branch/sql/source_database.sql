-- What must be known of each database of it.
SELECT pg_catalog.json_build_object(
  'extensions', (SELECT COALESCE(pg_catalog.json_agg(
                          pg_catalog.json_build_object('name', e.extname, 'schema', n.nspname)
                          ORDER BY e.extname), '[]')
                   FROM pg_catalog.pg_extension e
                        JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace),
  'libraries', (SELECT COALESCE(pg_catalog.json_agg(DISTINCT p.probin), '[]')
                  FROM pg_catalog.pg_proc p
                       JOIN pg_catalog.pg_language l ON l.oid = p.prolang
                 WHERE l.lanname = 'c'),
  'unreadable', (SELECT COALESCE(pg_catalog.json_agg(x.name), '[]')
                   FROM (SELECT c.oid::pg_catalog.regclass::text AS name
                           FROM pg_catalog.pg_class c
                                JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                          WHERE c.relkind IN ('r', 'S', 'm') AND c.relpersistence <> 't'
                            AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                            AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')
                          ORDER BY 1 LIMIT 5) x)
)
