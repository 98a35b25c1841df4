-- Row-security policies.
SELECT p.oid, 0 AS subid, 0 AS position, p.polrelid AS parent, '' AS schema, p.polname AS name, '' AS signature,
       NULL AS owner, NULL AS grants, NULL AS definition, p.polcmd AS command, p.polpermissive AS permissive,
       (SELECT string_agg(CASE WHEN r.oid IS NULL THEN 'PUBLIC' ELSE quote_ident(r.rolname) END, ', ' ORDER BY r.rolname)
          FROM unnest(p.polroles) x (role) LEFT JOIN pg_roles r ON r.oid = x.role) AS roles,
       pg_get_expr(p.polqual, p.polrelid) AS "using", pg_get_expr(p.polwithcheck, p.polrelid) AS "check"
  FROM pg_policy p
 WHERE p.oid >= 16384
