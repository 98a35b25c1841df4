-- What must change in the catalogs that all databases share before anybody may use a branch: one
-- statement per row (kind, subject, statement), in the order in which they are to be run.
-- $1: the role that the first principal logs in with.
WITH
  -- The roles that Bough makes anew on every branch.
  own (name, attributes, login, inherits) AS (
    VALUES
      ('bough_owner'::pg_catalog.text, 'NOLOGIN INHERIT'::pg_catalog.text, false, true),
      ('bough_holder', 'NOLOGIN INHERIT', false, true),
      ($1, 'LOGIN NOINHERIT', true, false)
  ),
  -- Settings that anybody may change, and that ALTER DATABASE or ROLE may all the same not decide.
  dropped (name, reason) AS (
    VALUES
      ('role'::pg_catalog.text, 'sessions would run as somebody else'::pg_catalog.text),
      ('session_authorization', 'the same'),
      ('local_preload_libraries', 'loads code'),
      ('default_tablespace', 'names a place outside the volume'),
      ('temp_tablespaces', 'the same')
  ),
  -- Settings of superusers that say what is logged or measured, and nothing else.
  kept (name) AS (
    VALUES
      ('compute_query_id'::pg_catalog.text), ('deadlock_timeout'), ('lc_messages'), ('log_duration'),
      ('log_lock_waits'), ('log_min_duration_statement'), ('log_statement'), ('log_temp_files'),
      ('track_functions'), ('track_io_timing'), ('wal_compression')
  ),
  roles AS (
    SELECT r.*,
           pg_catalog."left"(r.rolname, 6) OPERATOR(pg_catalog.=) 'bough_' AS is_ours,
           pg_catalog."left"(r.rolname, 3) OPERATOR(pg_catalog.=) 'pg_' AS is_predefined,
           r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls
             OR r.rolpassword IS NOT NULL AS has_power
      FROM pg_catalog.pg_authid r
  ),
  settings AS (
    SELECT s.setrole, s.setdatabase, r.rolname, d.datname, r.is_ours,
           c.entry,
           pg_catalog.lower(pg_catalog.split_part(c.entry, '=', 1)) AS name
      FROM pg_catalog.pg_db_role_setting s
           CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (entry)
           LEFT JOIN roles r ON r.oid OPERATOR(pg_catalog.=) s.setrole
           LEFT JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) s.setdatabase
  ),
  -- A database that is open, and neither a template nor sealed.
  open_databases AS (
    SELECT d.oid, d.datname,
           COALESCE(d.datacl, pg_catalog.acldefault('d', d.datdba)) AS acl
      FROM pg_catalog.pg_database d
     WHERE d.datallowconn AND NOT d.datistemplate
       AND d.datconnlimit OPERATOR(pg_catalog.<>) ALL ('{-2,0}'::pg_catalog.int4[])
  ),
  statements (rank, kind, subject, statement) AS (

    -- Processes such as autovacuum run as the role with oid 10, so it can't be demoted, and must be ours.
    SELECT 0, 'bootstrap', r.rolname::pg_catalog.text, ''
      FROM roles r
     WHERE r.oid OPERATOR(pg_catalog.=) 10::pg_catalog.oid
       AND r.rolname OPERATOR(pg_catalog.<>) 'bough_platform'

    UNION ALL
    SELECT 1, 'own', own.name,
           pg_catalog.format(
             '%s ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS %s'
             ' CONNECTION LIMIT -1 PASSWORD NULL VALID UNTIL ''infinity''',
             CASE WHEN r.oid IS NULL THEN 'CREATE' ELSE 'ALTER' END, own.name, own.attributes)
      FROM own LEFT JOIN roles r ON r.rolname OPERATOR(pg_catalog.=) own.name::pg_catalog.name
     WHERE r.oid IS NULL OR r.has_power
        OR r.rolcanlogin OPERATOR(pg_catalog.<>) own.login
        OR r.rolinherit OPERATOR(pg_catalog.<>) own.inherits
        OR r.rolconnlimit OPERATOR(pg_catalog.<>) (-1)
        OR r.rolvaliduntil OPERATOR(pg_catalog.<) 'infinity'::pg_catalog.timestamptz

    UNION ALL
    SELECT 1, 'role', r.rolname,
           pg_catalog.format(
             'ALTER ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOLOGIN'
             ' PASSWORD NULL VALID UNTIL ''infinity''', r.rolname)
      FROM roles r
     WHERE (r.has_power OR r.rolcanlogin)
       AND NOT r.is_predefined
       AND r.oid OPERATOR(pg_catalog.<>) 10::pg_catalog.oid
       AND NOT EXISTS (SELECT FROM own WHERE own.name OPERATOR(pg_catalog.=) r.rolname::pg_catalog.text)

    UNION ALL
    SELECT 1, 'role', r.rolname, 'ALTER ROLE bough_platform PASSWORD NULL'
      FROM roles r
     WHERE r.rolname OPERATOR(pg_catalog.=) 'bough_platform' AND r.rolpassword IS NOT NULL

    -- Nobody is a member of Bough's roles or of predefined ones, nor are Bough's members of others.
    UNION ALL
    SELECT 2, 'membership', pg_catalog.format('%s in %s', member.rolname, team.rolname),
           pg_catalog.format('REVOKE %I FROM %I', team.rolname, member.rolname)
      FROM pg_catalog.pg_auth_members m
           JOIN roles team ON team.oid OPERATOR(pg_catalog.=) m.roleid
           JOIN roles member ON member.oid OPERATOR(pg_catalog.=) m.member
     WHERE (team.is_ours OR team.is_predefined OR member.is_ours)
       AND NOT member.is_predefined
       AND NOT (team.rolname OPERATOR(pg_catalog.=) 'bough_owner'
                AND member.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.name
                AND NOT m.admin_option)

    -- The one membership there is.
    UNION ALL
    SELECT 3, 'own', $1, pg_catalog.format('GRANT bough_owner TO %I', $1)
     WHERE NOT EXISTS (
             SELECT
               FROM pg_catalog.pg_auth_members m
                    JOIN roles team ON team.oid OPERATOR(pg_catalog.=) m.roleid
                    JOIN roles member ON member.oid OPERATOR(pg_catalog.=) m.member
              WHERE team.rolname OPERATOR(pg_catalog.=) 'bough_owner'
                AND member.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.name
                AND NOT m.admin_option)

    -- Settings of Bough's roles: none, but that what the login role makes belongs to bough_owner.
    UNION ALL
    SELECT 4, 'setting', pg_catalog.format('%s of %s', s.name, s.rolname),
           pg_catalog.concat(
             pg_catalog.format('ALTER ROLE %I ', s.rolname),
             CASE WHEN s.datname IS NOT NULL
                  THEN pg_catalog.format('IN DATABASE %I ', s.datname) END,
             pg_catalog.format('RESET %I', pg_catalog.split_part(s.entry, '=', 1)))
      FROM settings s
     WHERE s.is_ours
       AND NOT (s.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.name AND s.datname IS NULL
                AND s.entry OPERATOR(pg_catalog.=) 'role=bough_owner')
    UNION ALL
    SELECT 5, 'own', $1, pg_catalog.format('ALTER ROLE %I SET role = bough_owner', $1)
     WHERE NOT EXISTS (
             SELECT FROM settings s
              WHERE s.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.name AND s.datname IS NULL
                AND s.entry OPERATOR(pg_catalog.=) 'role=bough_owner')

    -- Everybody else's settings: those of superusers go, those that anybody could set stay.
    UNION ALL
    SELECT 4, 'setting',
           pg_catalog.format('%s of %s', s.name,
                             pg_catalog.concat_ws(' in ', COALESCE(s.rolname, 'all'), s.datname)),
           pg_catalog.concat(
             CASE WHEN s.rolname IS NOT NULL THEN pg_catalog.format('ALTER ROLE %I ', s.rolname)
                  WHEN s.datname IS NULL THEN 'ALTER ROLE ALL ' END,
             CASE WHEN s.datname IS NOT NULL AND s.rolname IS NOT NULL
                  THEN pg_catalog.format('IN DATABASE %I ', s.datname)
                  WHEN s.datname IS NOT NULL
                  THEN pg_catalog.format('ALTER DATABASE %I ', s.datname) END,
             pg_catalog.format('RESET %I', pg_catalog.split_part(s.entry, '=', 1)))
      FROM settings s
     WHERE s.is_ours IS NOT TRUE
       AND (s.setrole OPERATOR(pg_catalog.=) 0::pg_catalog.oid OR s.rolname IS NOT NULL)
       AND (s.setdatabase OPERATOR(pg_catalog.=) 0::pg_catalog.oid OR s.datname IS NOT NULL)
       AND NOT EXISTS (SELECT FROM kept WHERE kept.name OPERATOR(pg_catalog.=) s.name)
       AND (EXISTS (SELECT FROM dropped WHERE dropped.name OPERATOR(pg_catalog.=) s.name)
            -- the platform's audit decides for itself
            OR pg_catalog."left"(s.name, 8) OPERATOR(pg_catalog.=) 'pgaudit.'
            OR NOT COALESCE(
                 (SELECT p.context OPERATOR(pg_catalog.=) 'user'
                    FROM pg_catalog.pg_settings p
                   WHERE pg_catalog.lower(p.name) OPERATOR(pg_catalog.=) s.name),
                 -- one that no loaded library declares is the application's own, if it has a prefix
                 pg_catalog.strpos(s.name, '.') OPERATOR(pg_catalog.>) 0))

    -- GRANT SET or ALTER SYSTEM ON PARAMETER: with it anybody could name libraries and programs.
    UNION ALL
    SELECT DISTINCT 6, 'parameter', p.parname,
           pg_catalog.format('REVOKE ALL ON PARAMETER %s FROM %s CASCADE', p.parname,
                             CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC'
                                  ELSE pg_catalog.quote_ident(g.rolname) END)
      FROM pg_catalog.pg_parameter_acl p
           CROSS JOIN LATERAL pg_catalog.aclexplode(p.paracl) a
           LEFT JOIN roles g ON g.oid OPERATOR(pg_catalog.=) a.grantee
     WHERE a.grantee OPERATOR(pg_catalog.<>) 10::pg_catalog.oid
       AND (a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid OR g.oid IS NOT NULL)

    -- An owner may change a database's settings, so it is nobody who can log in.
    UNION ALL
    SELECT 7, 'database', d.datname,
           pg_catalog.format('ALTER DATABASE %I OWNER TO bough_holder', d.datname)
      FROM pg_catalog.pg_database d
           LEFT JOIN roles r ON r.oid OPERATOR(pg_catalog.=) d.datdba
     WHERE r.rolname IS NULL
        OR NOT r.rolname OPERATOR(pg_catalog.=) ANY ('{bough_platform,bough_holder}'::pg_catalog.name[])
    UNION ALL
    SELECT 8, 'database', d.datname,
           pg_catalog.format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC', d.datname)
      FROM open_databases d
     WHERE EXISTS (
             SELECT FROM pg_catalog.aclexplode(d.acl) a
              WHERE a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid
                AND a.privilege_type OPERATOR(pg_catalog.=) ANY ('{CREATE,TEMPORARY}'::pg_catalog.text[]))
    UNION ALL
    SELECT 9, 'own', d.datname,
           pg_catalog.format('GRANT CONNECT, CREATE, TEMPORARY ON DATABASE %I TO bough_owner', d.datname)
      FROM open_databases d
     WHERE (SELECT pg_catalog.count(*)
              FROM pg_catalog.aclexplode(d.acl) a
                   JOIN roles r ON r.oid OPERATOR(pg_catalog.=) a.grantee
             WHERE r.rolname OPERATOR(pg_catalog.=) 'bough_owner') OPERATOR(pg_catalog.<) 3
    UNION ALL -- a NOINHERIT role connects by its own right only
    SELECT 9, 'own', d.datname, pg_catalog.format('GRANT CONNECT ON DATABASE %I TO %I', d.datname, $1)
      FROM open_databases d
     WHERE NOT EXISTS (
             SELECT
               FROM pg_catalog.aclexplode(d.acl) a
                    JOIN roles r ON r.oid OPERATOR(pg_catalog.=) a.grantee
              WHERE r.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.name
                AND a.privilege_type OPERATOR(pg_catalog.=) 'CONNECT')
  )
SELECT kind, subject, statement FROM statements ORDER BY rank, subject, statement;
