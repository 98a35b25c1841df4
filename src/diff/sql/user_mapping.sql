-- User mappings; their options are secrets and stay where they are.
SELECT u.umid AS oid, 0 AS subid, 0 AS position, 0 AS parent, '' AS schema,
       format('FOR %s SERVER %I', CASE WHEN u.umuser = 0 THEN 'PUBLIC' ELSE quote_ident(u.usename) END, u.srvname) AS name,
       '' AS signature, NULL AS owner, NULL AS grants, NULL AS definition
  FROM pg_user_mappings u
 WHERE u.umid >= 16384
