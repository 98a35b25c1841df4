-- Access methods.
SELECT a.oid, 0 AS subid, 0 AS position, 0 AS parent, '' AS schema, a.amname AS name, '' AS signature,
       NULL AS owner, NULL AS grants, NULL AS definition, a.amtype AS type, a.amhandler::regproc AS handler
  FROM pg_am a
 WHERE a.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_am'::regclass AND m.objid = a.oid
                   AND m.deptype = 'e')
