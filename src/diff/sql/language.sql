-- Procedural languages.
SELECT l.oid, 0 AS subid, 0 AS position, 0 AS parent, '' AS schema, l.lanname AS name, '' AS signature,
       pg_get_userbyid(l.lanowner) AS owner, l.lanacl AS grants, NULL AS definition,
       l.lanpltrusted AS trusted, CASE WHEN l.lanplcallfoid <> 0 THEN l.lanplcallfoid::regproc END AS handler, CASE WHEN l.laninline <> 0 THEN l.laninline::regproc END AS inline,
       CASE WHEN l.lanvalidator <> 0 THEN l.lanvalidator::regproc END AS validator
  FROM pg_language l
 WHERE l.lanispl AND l.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_language'::regclass AND m.objid = l.oid
                   AND m.deptype = 'e')
