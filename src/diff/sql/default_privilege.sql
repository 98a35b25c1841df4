-- Default privileges, without those of the platform's own roles but the owner of what people make; and of that
-- one's without what the platform lets readers and writers have, which comes with the first of them.
SELECT d.oid, 0 AS subid, 0 AS position, 0 AS parent, '' AS schema,
       format('FOR ROLE %I%s ON %s', pg_get_userbyid(d.defaclrole), ' IN SCHEMA ' || quote_ident(n.nspname),
              CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                                   WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END) AS name,
       '' AS signature, NULL AS owner, d.defaclacl AS grants, NULL AS definition,
       pg_get_userbyid(d.defaclrole) AS role, n.nspname AS schema, d.defaclobjtype AS type
  FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
 WHERE d.oid >= 16384
   AND pg_get_userbyid(d.defaclrole) NOT IN ('bough_platform', 'bough_holder', 'bough_import')
   AND NOT (d.defaclnamespace = 0 AND pg_get_userbyid(d.defaclrole) = 'bough_owner'
            AND EXISTS (SELECT FROM unnest(d.defaclacl) a WHERE a::text ~ '^bough_(reader|writer)=')
            AND NOT EXISTS (SELECT FROM unnest(d.defaclacl) a WHERE a::text !~ '^bough_'))
