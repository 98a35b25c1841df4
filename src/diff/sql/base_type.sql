-- Base types, and shells of types that were only announced.
SELECT t.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, t.typname AS name, '' AS signature,
       pg_get_userbyid(t.typowner) AS owner, t.typacl AS grants, NULL AS definition,
       t.typisdefined AS defined, CASE WHEN t.typinput <> 0 THEN t.typinput::regproc END AS input, CASE WHEN t.typoutput <> 0 THEN t.typoutput::regproc END AS output,
       CASE WHEN t.typreceive <> 0 THEN t.typreceive::regproc END AS receive, CASE WHEN t.typsend <> 0 THEN t.typsend::regproc END AS send, CASE WHEN t.typmodin <> 0 THEN t.typmodin::regproc END AS typmod_in,
       CASE WHEN t.typmodout <> 0 THEN t.typmodout::regproc END AS typmod_out, CASE WHEN t.typanalyze <> 0 THEN t.typanalyze::regproc END AS "analyze",
       CASE WHEN t.typsubscript <> 0 THEN t.typsubscript::regproc END AS subscript, t.typlen AS length, t.typbyval AS by_value, t.typalign AS alignment,
       t.typstorage AS storage, t.typcategory AS category, t.typispreferred AS preferred, t.typdelim AS delimiter,
       CASE WHEN t.typelem <> 0 THEN format_type(t.typelem, NULL) END AS element,
       t.typdefault AS "default", t.typcollation <> 0 AS collatable
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE (t.typtype = 'b' OR t.typtype = 'p' AND NOT t.typisdefined) AND t.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid
                   AND m.deptype = 'e')
