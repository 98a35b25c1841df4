-- Aggregates.
SELECT p.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, p.proname AS name,
       CASE WHEN g.aggkind <> 'n' THEN format('(%s)', pg_get_function_identity_arguments(p.oid))
            WHEN p.pronargs = 0 THEN '(*)' ELSE format('(%s)', oidvectortypes(p.proargtypes)) END AS signature, pg_get_userbyid(p.proowner) AS owner, p.proacl AS grants, NULL AS definition,
       CASE WHEN p.pronargs = 0 AND g.aggkind = 'n' THEN '*' ELSE pg_get_function_arguments(p.oid) END AS arguments,
       g.aggkind AS kind, g.aggtransfn::regproc AS sfunc, format_type(g.aggtranstype, NULL) AS stype,
       NULLIF(g.aggtransspace, 0) AS sspace, CASE WHEN g.aggfinalfn <> 0 THEN g.aggfinalfn::regproc END AS finalfunc, g.aggfinalextra AS finalfunc_extra,
       g.aggfinalmodify AS finalfunc_modify, CASE WHEN g.aggcombinefn <> 0 THEN g.aggcombinefn::regproc END AS combinefunc, CASE WHEN g.aggserialfn <> 0 THEN g.aggserialfn::regproc END AS serialfunc,
       CASE WHEN g.aggdeserialfn <> 0 THEN g.aggdeserialfn::regproc END AS deserialfunc, g.agginitval AS initcond, CASE WHEN g.aggmtransfn <> 0 THEN g.aggmtransfn::regproc END AS msfunc,
       CASE WHEN g.aggminvtransfn <> 0 THEN g.aggminvtransfn::regproc END AS minvfunc, CASE WHEN g.aggmtranstype <> 0 THEN format_type(g.aggmtranstype, NULL) END AS mstype,
       NULLIF(g.aggmtransspace, 0) AS msspace, CASE WHEN g.aggmfinalfn <> 0 THEN g.aggmfinalfn::regproc END AS mfinalfunc,
       g.aggmfinalextra AS mfinalfunc_extra, g.aggmfinalmodify AS mfinalfunc_modify, g.aggminitval AS minitcond,
       (SELECT format('OPERATOR(%I.%s)', k.nspname, x.oprname) FROM pg_operator x
          JOIN pg_namespace k ON k.oid = x.oprnamespace WHERE x.oid = g.aggsortop) AS sortop,
       CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END AS parallel
  FROM pg_aggregate g JOIN pg_proc p ON p.oid = g.aggfnoid JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE p.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid
                   AND m.deptype = 'e')
