-- Range types.
SELECT t.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, t.typname AS name, '' AS signature,
       pg_get_userbyid(t.typowner) AS owner, t.typacl AS grants, NULL AS definition,
       format_type(r.rngsubtype, NULL) AS subtype,
       (SELECT format('%I.%I', k.nspname, o.opcname) FROM pg_opclass o JOIN pg_namespace k ON k.oid = o.opcnamespace
         WHERE o.oid = r.rngsubopc) AS opclass,
       (SELECT format('%I.%I', k.nspname, l.collname) FROM pg_collation l JOIN pg_namespace k ON k.oid = l.collnamespace
          WHERE l.oid = r.rngcollation AND l.oid <> (SELECT y.typcollation FROM pg_type y WHERE y.oid = r.rngsubtype)) AS collation, CASE WHEN r.rngcanonical <> 0 THEN r.rngcanonical::regproc END AS canonical,
       CASE WHEN r.rngsubdiff <> 0 THEN r.rngsubdiff::regproc END AS subtype_diff, r.rngmultitypid::regtype AS multirange
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_range r ON r.rngtypid = t.oid
 WHERE t.typtype = 'r' AND t.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid
                   AND m.deptype = 'e')
