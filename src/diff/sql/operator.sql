-- Operators, those that were only announced too.
SELECT o.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, o.oprname AS name,
       format('(%s, %s)', CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE format_type(o.oprleft, NULL) END,
              CASE WHEN o.oprright = 0 THEN 'NONE' ELSE format_type(o.oprright, NULL) END) AS signature,
       pg_get_userbyid(o.oprowner) AS owner, NULL AS grants, NULL AS definition,
       CASE WHEN o.oprcode <> 0 THEN o.oprcode::regproc END AS procedure, (SELECT format('OPERATOR(%I.%s)', k.nspname, x.oprname) FROM pg_operator x
          JOIN pg_namespace k ON k.oid = x.oprnamespace WHERE x.oid = o.oprcom) AS commutator, (SELECT format('OPERATOR(%I.%s)', k.nspname, x.oprname) FROM pg_operator x
          JOIN pg_namespace k ON k.oid = x.oprnamespace WHERE x.oid = o.oprnegate) AS negator,
       CASE WHEN o.oprrest <> 0 THEN o.oprrest::regproc END AS restrict, CASE WHEN o.oprjoin <> 0 THEN o.oprjoin::regproc END AS "join", o.oprcanhash AS hashes, o.oprcanmerge AS merges
  FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
 WHERE o.oid >= 16384 AND o.oprcode <> 0
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_operator'::regclass AND m.objid = o.oid
                   AND m.deptype = 'e')
