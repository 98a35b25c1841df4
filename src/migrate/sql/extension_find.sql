-- What is to be done about a CREATE EXTENSION before it is run. $1: the extension, $2: the schema that it
-- is to stand in, $3: the version that is asked for, or null.
SELECT CASE
         WHEN EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname OPERATOR(pg_catalog.=) $1::pg_catalog.name)
           THEN 'leave' -- it is there
         WHEN v.name IS NULL OR NOT v.superuser OR v.trusted
           THEN 'leave' -- the server refuses it, or an owner may
         WHEN $3 OPERATOR(pg_catalog.<>) v.version THEN 'version'
         WHEN v.requires IS NOT NULL OR v.schema IS NOT NULL THEN 'unsafe'
         WHEN $2 OPERATOR(pg_catalog.!~) '^[a-z_][a-z0-9_]*$' COLLATE pg_catalog."C" THEN 'name' -- scripts are given it
         WHEN n.oid IS NULL THEN 'new'
         WHEN NOT v.relocatable THEN 'fixed'
         WHEN NOT pg_catalog.has_schema_privilege('bough_owner'::pg_catalog.name, n.oid, 'CREATE') THEN 'schema'
         ELSE 'move'
       END
  FROM (VALUES (1)) AS one (number)
       LEFT JOIN (pg_catalog.pg_available_extensions a
                  JOIN pg_catalog.pg_available_extension_versions v
                    ON v.name OPERATOR(pg_catalog.=) a.name AND v.version OPERATOR(pg_catalog.=) a.default_version)
         ON a.name OPERATOR(pg_catalog.=) $1::pg_catalog.name
       LEFT JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) $2::pg_catalog.name
