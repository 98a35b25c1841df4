-- Casts.
SELECT c.oid, 0 AS subid, 0 AS position, 0 AS parent, '' AS schema,
       format('(%s AS %s)', format_type(c.castsource, NULL), format_type(c.casttarget, NULL)) AS name, '' AS signature,
       NULL AS owner, NULL AS grants, NULL AS definition, c.castcontext AS context, c.castmethod AS method,
       CASE WHEN c.castfunc <> 0 THEN c.castfunc::regprocedure END AS function
  FROM pg_cast c
 WHERE c.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_cast'::regclass AND m.objid = c.oid
                   AND m.deptype = 'e')
   AND NOT EXISTS ( -- of a range to its multirange
         SELECT FROM pg_depend i WHERE i.classid = 'pg_cast'::regclass AND i.objid = c.oid AND i.deptype = 'i')
