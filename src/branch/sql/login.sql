-- What must change before a principal's role may log in to this cluster: one statement per row, in
-- the order in which they are to be run; kind 'ident' without one: pg_ident.conf doesn't map it yet.
-- $1: the role, $2: the account that connects for it, $3: the role whose rights it has: bough_owner,
-- bough_writer or bough_reader.
WITH
  role AS (SELECT r.* FROM pg_catalog.pg_authid r WHERE r.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.name),
  statements (rank, kind, statement) AS (
    SELECT 0, 'team', pg_catalog.format('CREATE ROLE %I NOLOGIN', team.name)
      FROM (VALUES ('bough_reader'::pg_catalog.name), ('bough_writer'), ($3::pg_catalog.name)) AS team (name)
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_authid r WHERE r.rolname OPERATOR(pg_catalog.=) team.name)
     GROUP BY team.name
    UNION ALL
    SELECT 1, 'role',
           pg_catalog.format(
             '%s ROLE %I LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS'
             ' CONNECTION LIMIT -1 PASSWORD NULL VALID UNTIL ''infinity''',
             CASE WHEN EXISTS (SELECT FROM role) THEN 'ALTER' ELSE 'CREATE' END, $1::pg_catalog.text)
     WHERE NOT EXISTS (
             SELECT FROM role r
              WHERE r.rolcanlogin AND NOT r.rolinherit AND NOT r.rolsuper AND NOT r.rolcreatedb
                AND NOT r.rolcreaterole AND NOT r.rolreplication AND NOT r.rolbypassrls
                AND r.rolconnlimit OPERATOR(pg_catalog.=) (-1) AND r.rolpassword IS NULL
                AND COALESCE(r.rolvaliduntil, 'infinity')
                    OPERATOR(pg_catalog.=) 'infinity'::pg_catalog.timestamptz)

    -- It is a member of that role, without the right to make others one, and of nothing else.
    UNION ALL
    SELECT 2, 'membership', pg_catalog.format('REVOKE %I FROM %I CASCADE', team.rolname, member.rolname)
      FROM pg_catalog.pg_auth_members m
           JOIN pg_catalog.pg_authid team ON team.oid OPERATOR(pg_catalog.=) m.roleid
           JOIN pg_catalog.pg_authid member ON member.oid OPERATOR(pg_catalog.=) m.member
     WHERE (member.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.name
            AND (m.admin_option OR team.rolname OPERATOR(pg_catalog.<>) $3::pg_catalog.name))
        OR team.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.name
    UNION ALL
    SELECT 3, 'membership', pg_catalog.format('GRANT %I TO %I', $3::pg_catalog.text, $1::pg_catalog.text)
     WHERE NOT EXISTS (
             SELECT
               FROM pg_catalog.pg_auth_members m
                    JOIN pg_catalog.pg_authid team ON team.oid OPERATOR(pg_catalog.=) m.roleid
                    JOIN role ON role.oid OPERATOR(pg_catalog.=) m.member
              WHERE team.rolname OPERATOR(pg_catalog.=) $3::pg_catalog.name AND NOT m.admin_option)

    -- It acts as that role: what an owner makes belongs to bough_owner.
    UNION ALL
    SELECT 4, 'setting', pg_catalog.format('ALTER ROLE %I SET role = %I', $1::pg_catalog.text, $3::pg_catalog.text)
     WHERE NOT EXISTS (
             SELECT
               FROM pg_catalog.pg_db_role_setting s
                    JOIN role ON role.oid OPERATOR(pg_catalog.=) s.setrole
              WHERE s.setdatabase OPERATOR(pg_catalog.=) 0::pg_catalog.oid
                AND pg_catalog.concat('role=', $3) OPERATOR(pg_catalog.=) ANY (s.setconfig))

    -- A role that doesn't inherit connects by its own right, or everybody's.
    UNION ALL
    SELECT 5, 'connect', pg_catalog.format('GRANT CONNECT ON DATABASE %I TO %I', d.datname, $1::pg_catalog.text)
      FROM pg_catalog.pg_database d
     WHERE d.datallowconn AND NOT d.datistemplate AND d.datconnlimit OPERATOR(pg_catalog.<>) (-2)
       AND NOT EXISTS (
             SELECT
               FROM pg_catalog.aclexplode(COALESCE(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
              WHERE a.privilege_type OPERATOR(pg_catalog.=) 'CONNECT'
                AND (a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid
                     OR a.grantee OPERATOR(pg_catalog.=) (SELECT role.oid FROM role)))

    UNION ALL
    SELECT 6, 'ident', ''
     WHERE NOT EXISTS (
             SELECT FROM pg_catalog.pg_ident_file_mappings f
              WHERE f.error IS NULL AND f.sys_name OPERATOR(pg_catalog.=) $2
                AND f.pg_username OPERATOR(pg_catalog.=) $1::pg_catalog.text)
  )
SELECT kind, statement FROM statements ORDER BY rank, statement;
