-- Functions, window functions too.
SELECT p.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, p.proname AS name,
       format('(%s)', oidvectortypes(p.proargtypes)) AS signature, pg_get_userbyid(p.proowner) AS owner, p.proacl AS grants, pg_get_functiondef(p.oid) AS definition,
       pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result, l.lanname AS language,
       p.prokind = 'w' AS "window",
       CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
       p.proisstrict AS strict, p.prosecdef AS security_definer, p.proleakproof AS leakproof,
       CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END AS parallel,
       p.procost AS cost, p.prorows AS rows, CASE WHEN p.prosupport <> 0 THEN p.prosupport::regproc END AS support,
       (SELECT string_agg(format_type(x, NULL), ', ') FROM unnest(p.protrftypes) x) AS transform,
       array_to_string(p.proconfig, E'\n') AS settings,
       COALESCE(pg_get_function_sqlbody(p.oid), p.probin || E'\n' || p.prosrc, p.prosrc) AS body
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
 WHERE p.prokind IN ('f', 'w') AND p.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid
                   AND m.deptype = 'e')
   AND NOT EXISTS ( -- constructors of ranges come and go with their type
         SELECT FROM pg_depend i WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i')
