-- Conversions.
SELECT c.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, c.conname AS name, '' AS signature,
       pg_get_userbyid(c.conowner) AS owner, NULL AS grants, NULL AS definition,
       pg_encoding_to_char(c.conforencoding) AS "from", pg_encoding_to_char(c.contoencoding) AS "to",
       c.conproc::regproc AS function, c.condefault AS "default"
  FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace
 WHERE c.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_conversion'::regclass AND m.objid = c.oid
                   AND m.deptype = 'e')
