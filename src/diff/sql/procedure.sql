-- Procedures.
SELECT p.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, p.proname AS name,
       format('(%s)', oidvectortypes(p.proargtypes)) AS signature, pg_get_userbyid(p.proowner) AS owner, p.proacl AS grants, pg_get_functiondef(p.oid) AS definition,
       pg_get_function_arguments(p.oid) AS arguments, l.lanname AS language, p.prosecdef AS security_definer,
       (SELECT string_agg(format_type(x, NULL), ', ') FROM unnest(p.protrftypes) x) AS transform,
       array_to_string(p.proconfig, E'\n') AS settings,
       COALESCE(pg_get_function_sqlbody(p.oid), p.probin || E'\n' || p.prosrc, p.prosrc) AS body
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
 WHERE p.prokind = 'p' AND p.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid
                   AND m.deptype = 'e')
