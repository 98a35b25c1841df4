-- Extensions; what they brought along is never an object of its own. Of that, member_grants has what was granted or taken
-- since: lines "{now} instead of {as it came} on FUNCTION f(integer)", or "... on COLUMN c OF TABLE t", without what Bough's
-- own roles have. Names with control characters could be taken for more than one line: of those "!" and a digest. members
-- tells when something was added to the extension by hand, or taken out of it.
SELECT e.oid, 0 AS subid, 0 AS position, 0 AS parent, '' AS schema, e.extname AS name, '' AS signature,
       pg_get_userbyid(e.extowner) AS owner, NULL AS grants, NULL AS definition,
       n.nspname AS schema, e.extversion AS version, g.lines AS member_grants,
       (SELECT format('%s, sha256 %s', count(*), left(encode(sha256(convert_to(
                 COALESCE(string_agg(o.type || ' ' || o.identity, E'\n' ORDER BY o.type COLLATE "C", o.identity COLLATE "C"), ''),
                 getdatabaseencoding())), 'hex'), 32))
          FROM pg_depend d CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) o
         WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e') AS members
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
       CROSS JOIN LATERAL (
         SELECT string_agg(CASE WHEN line ~ '[[:cntrl:]]'
                                THEN '!' || encode(sha256(convert_to(line, getdatabaseencoding())), 'hex') ELSE line END,
                           E'\n' ORDER BY line COLLATE "C")
           FROM (SELECT format('%s instead of %s on %s', now.acl, came.acl, m.target) AS line
                   FROM pg_depend d
                        CROSS JOIN LATERAL (
                          SELECT 0 AS number, CASE p.prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END || p.oid::regprocedure,
                                 p.proacl, acldefault('f', p.proowner)
                            FROM pg_proc p WHERE d.classid = 'pg_proc'::regclass AND p.oid = d.objid
                          UNION ALL
                          SELECT 0, CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass,
                                 c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)
                            FROM pg_class c WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid
                          UNION ALL
                          SELECT a.attnum, format('COLUMN %I OF TABLE %s', a.attname, a.attrelid::regclass),
                                 a.attacl, '{}'::aclitem[]
                            FROM pg_attribute a
                           WHERE d.classid = 'pg_class'::regclass AND a.attrelid = d.objid AND NOT a.attisdropped
                             AND (a.attacl IS NOT NULL OR EXISTS (SELECT FROM pg_init_privs b WHERE b.objoid = d.objid
                                    AND b.classoid = d.classid AND b.objsubid = a.attnum))
                          UNION ALL
                          SELECT 0, 'TYPE ' || format_type(t.oid, NULL), t.typacl, acldefault('T', t.typowner)
                            FROM pg_type t WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid
                          UNION ALL
                          SELECT 0, 'SCHEMA ' || quote_ident(s.nspname), s.nspacl, acldefault('n', s.nspowner)
                            FROM pg_namespace s WHERE d.classid = 'pg_namespace'::regclass AND s.oid = d.objid
                          UNION ALL
                          SELECT 0, 'LANGUAGE ' || quote_ident(l.lanname), l.lanacl, acldefault('l', l.lanowner)
                            FROM pg_language l WHERE d.classid = 'pg_language'::regclass AND l.oid = d.objid
                          UNION ALL
                          SELECT 0, 'FOREIGN DATA WRAPPER ' || quote_ident(w.fdwname), w.fdwacl, acldefault('F', w.fdwowner)
                            FROM pg_foreign_data_wrapper w
                           WHERE d.classid = 'pg_foreign_data_wrapper'::regclass AND w.oid = d.objid
                          UNION ALL
                          SELECT 0, 'FOREIGN SERVER ' || quote_ident(v.srvname), v.srvacl, acldefault('S', v.srvowner)
                            FROM pg_foreign_server v WHERE d.classid = 'pg_foreign_server'::regclass AND v.oid = d.objid
                        ) m (number, target, acl, built_in)
                        LEFT JOIN pg_init_privs i
                               ON i.objoid = d.objid AND i.classoid = d.classid AND i.objsubid = m.number
                        CROSS JOIN LATERAL (
                          SELECT COALESCE(array_agg(a ORDER BY a::text COLLATE "C"), '{}')
                            FROM unnest(COALESCE(m.acl, m.built_in)) a WHERE a::text !~ '^bough_') now (acl)
                        CROSS JOIN LATERAL (
                          SELECT COALESCE(array_agg(a ORDER BY a::text COLLATE "C"), '{}')
                            FROM unnest(COALESCE(i.initprivs, m.built_in)) a WHERE a::text !~ '^bough_') came (acl)
                  WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
                    AND (m.acl IS NOT NULL OR i.initprivs IS NOT NULL)
                    AND now.acl::text <> came.acl::text) members) g (lines)
