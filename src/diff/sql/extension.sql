-- Extensions; what they brought along is never an object of its own. Of that, member_grants has what was granted or taken
-- since: lines "{now} instead of {as it came} on FUNCTION f(integer)", without what Bough's own roles have. Names with
-- control characters could be taken for more than one line and are left out, as are grants on single columns.
SELECT e.oid, 0 AS subid, 0 AS position, 0 AS parent, '' AS schema, e.extname AS name, '' AS signature,
       pg_get_userbyid(e.extowner) AS owner, NULL AS grants, NULL AS definition,
       n.nspname AS schema, e.extversion AS version, g.lines AS member_grants
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
       CROSS JOIN LATERAL (
         SELECT string_agg(line, E'\n' ORDER BY line)
           FROM (SELECT format('%s instead of %s on %s', now.acl, came.acl, m.target) AS line
                   FROM pg_depend d
                        CROSS JOIN LATERAL (
                          SELECT CASE p.prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END || p.oid::regprocedure,
                                 p.proacl, acldefault('f', p.proowner)
                            FROM pg_proc p WHERE d.classid = 'pg_proc'::regclass AND p.oid = d.objid
                          UNION ALL
                          SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass,
                                 c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)
                            FROM pg_class c WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid
                          UNION ALL
                          SELECT 'TYPE ' || format_type(t.oid, NULL), t.typacl, acldefault('T', t.typowner)
                            FROM pg_type t WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid
                          UNION ALL
                          SELECT 'SCHEMA ' || quote_ident(s.nspname), s.nspacl, acldefault('n', s.nspowner)
                            FROM pg_namespace s WHERE d.classid = 'pg_namespace'::regclass AND s.oid = d.objid
                          UNION ALL
                          SELECT 'LANGUAGE ' || quote_ident(l.lanname), l.lanacl, acldefault('l', l.lanowner)
                            FROM pg_language l WHERE d.classid = 'pg_language'::regclass AND l.oid = d.objid
                          UNION ALL
                          SELECT 'FOREIGN DATA WRAPPER ' || quote_ident(w.fdwname), w.fdwacl, acldefault('F', w.fdwowner)
                            FROM pg_foreign_data_wrapper w
                           WHERE d.classid = 'pg_foreign_data_wrapper'::regclass AND w.oid = d.objid
                        ) m (target, acl, built_in)
                        LEFT JOIN pg_init_privs i
                               ON i.objoid = d.objid AND i.classoid = d.classid AND i.objsubid = 0
                        CROSS JOIN LATERAL (
                          SELECT COALESCE(array_agg(a ORDER BY a::text COLLATE "C"), '{}')
                            FROM unnest(COALESCE(m.acl, m.built_in)) a WHERE a::text !~ '^bough_') now (acl)
                        CROSS JOIN LATERAL (
                          SELECT COALESCE(array_agg(a ORDER BY a::text COLLATE "C"), '{}')
                            FROM unnest(COALESCE(i.initprivs, m.built_in)) a WHERE a::text !~ '^bough_') came (acl)
                  WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
                    AND (m.acl IS NOT NULL OR i.initprivs IS NOT NULL)
                    AND now.acl::text <> came.acl::text) members
          WHERE line !~ '[[:cntrl:]]') g (lines)
