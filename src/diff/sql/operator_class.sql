-- Operator classes with their members.
SELECT o.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, o.opcname AS name,
       format(' USING %I', m.amname) AS signature, pg_get_userbyid(o.opcowner) AS owner, NULL AS grants, NULL AS definition,
       format_type(o.opcintype, NULL) AS type, o.opcdefault AS "default",
       (SELECT format('%I.%I', k.nspname, f.opfname) FROM pg_opfamily f JOIN pg_namespace k ON k.oid = f.opfnamespace
         WHERE f.oid = o.opcfamily) AS family,
       (SELECT string_agg(line, E'\n' ORDER BY line)
          FROM (SELECT format('OPERATOR %s %s%s', a.amopstrategy, a.amopopr::regoperator,
                         (SELECT format(' FOR ORDER BY %I.%I', k.nspname, s.opfname)
                            FROM pg_opfamily s JOIN pg_namespace k ON k.oid = s.opfnamespace WHERE s.oid = a.amopsortfamily))
                  FROM pg_amop a JOIN pg_depend d ON d.classid = 'pg_amop'::regclass AND d.objid = a.oid
                 WHERE d.refclassid = 'pg_opclass'::regclass AND d.refobjid = o.oid AND d.deptype = 'i'
                UNION ALL
                SELECT format('FUNCTION %s (%s, %s) %s', a.amprocnum, format_type(a.amproclefttype, NULL),
                              format_type(a.amprocrighttype, NULL), a.amproc::regprocedure)
                  FROM pg_amproc a JOIN pg_depend d ON d.classid = 'pg_amproc'::regclass AND d.objid = a.oid
                 WHERE d.refclassid = 'pg_opclass'::regclass AND d.refobjid = o.oid AND d.deptype = 'i'
                UNION ALL
                SELECT format('STORAGE %s', format_type(o.opckeytype, NULL)) WHERE o.opckeytype <> 0) lines (line)) AS members
  FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace JOIN pg_am m ON m.oid = o.opcmethod
 WHERE o.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_opclass'::regclass AND m.objid = o.oid
                   AND m.deptype = 'e')
