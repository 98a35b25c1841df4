-- What must be known of a PostgreSQL before it is copied, as one JSON object. Runs there, as whoever the
-- connection string says, on any version since 10: columns that came later are looked up by name.
SELECT pg_catalog.json_build_object(
  'is_superuser', me.rolsuper,
  'may_replicate', me.rolsuper OR me.rolreplication,
  'version', pg_catalog.version(),
  'wal_level', pg_catalog.current_setting('wal_level'),
  'max_wal_senders', pg_catalog.current_setting('max_wal_senders')::int,
  'wal_senders', (SELECT count(*) FROM pg_catalog.pg_stat_replication),
  'block_size', pg_catalog.current_setting('block_size')::int,
  'in_recovery', pg_catalog.pg_is_in_recovery(),
  'bootstrap', (SELECT rolname FROM pg_catalog.pg_roles WHERE oid = 10),
  'tablespaces', (SELECT COALESCE(pg_catalog.json_agg(spcname), '[]')
                    FROM pg_catalog.pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')),
  'roles', (SELECT COALESCE(pg_catalog.json_agg(
                     pg_catalog.json_build_object('name', rolname, 'super', rolsuper)), '[]')
              FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_'),
  'memberships', (SELECT COALESCE(pg_catalog.json_agg(
                           pg_catalog.json_build_object('team', t.rolname, 'member', r.rolname)), '[]')
                    FROM pg_catalog.pg_auth_members m
                         JOIN pg_catalog.pg_roles t ON t.oid = m.roleid
                         JOIN pg_catalog.pg_roles r ON r.oid = m.member
                   WHERE t.rolname !~ '^pg_' AND r.rolname !~ '^pg_'),
  'databases', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                         'name', d.datname,
                         'is_template', d.datistemplate,
                         'is_open', d.datallowconn,
                         'may_connect', pg_catalog.has_database_privilege(d.oid, 'CONNECT'),
                         'size', CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT')
                                      THEN pg_catalog.pg_database_size(d.oid) ELSE 0 END,
                         'encoding', pg_catalog.pg_encoding_to_char(d.encoding),
                         'collate', d.datcollate,
                         'ctype', d.datctype,
                         'provider', pg_catalog.to_jsonb(d) ->> 'datlocprovider',
                         'icu_locale', pg_catalog.to_jsonb(d) ->> 'daticulocale',
                         'collation_version', pg_catalog.to_jsonb(d) ->> 'datcollversion')
                       ORDER BY d.oid)
                  FROM pg_catalog.pg_database d)
) FROM pg_catalog.pg_roles me WHERE me.rolname = current_user
