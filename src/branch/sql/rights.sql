-- What must change in one database so that bough_reader can read all of it and change nothing, and
-- bough_writer can change rows and nothing else: one statement per row, in the order in which they are
-- to be run. Platform code: names and operators are qualified.
WITH
  who AS (
    SELECT r.oid, r.rolname::pg_catalog.text AS name FROM pg_catalog.pg_authid r
     WHERE r.rolname OPERATOR(pg_catalog.=) ANY ('{bough_reader,bough_writer}'::pg_catalog.name[])
  ),
  owner AS (SELECT r.oid FROM pg_catalog.pg_authid r WHERE r.rolname OPERATOR(pg_catalog.=) 'bough_owner'),
  member AS ( -- what extensions brought along has the rights that they gave it
    SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
     WHERE d.deptype OPERATOR(pg_catalog.=) 'e'
       AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
  ),
  schema AS (
    SELECT n.oid, n.nspname, COALESCE(n.nspacl, pg_catalog.acldefault('n', n.nspowner)) AS acl
      FROM pg_catalog.pg_namespace n
     WHERE pg_catalog."left"(n.nspname, 3) OPERATOR(pg_catalog.<>) 'pg_'
       AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema'
  ),
  relation AS (
    SELECT c.oid, s.nspname OPERATOR(pg_catalog.=) 'bough' AS is_ledger, -- whose texts are run again with other rights
           c.relkind OPERATOR(pg_catalog.=) 'S' AS is_sequence,
           CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS type,
           COALESCE(c.relacl, pg_catalog.acldefault(
             CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'S' THEN 's' ELSE 'r' END::pg_catalog."char", c.relowner)) AS acl,
           pg_catalog.format('%I.%I', s.nspname, c.relname) AS name
      FROM pg_catalog.pg_class c JOIN schema s ON s.oid OPERATOR(pg_catalog.=) c.relnamespace
     WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S}'::pg_catalog."char"[])
       AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
  ),
  routine AS (
    SELECT p.oid, p.proowner, p.prosecdef, p.prorettype,
           COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner)) AS acl
      FROM pg_catalog.pg_proc p JOIN schema s ON s.oid OPERATOR(pg_catalog.=) p.pronamespace
     WHERE NOT EXISTS (SELECT FROM member m
                        WHERE m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
                          AND m.objid OPERATOR(pg_catalog.=) p.oid)
  ),
  wanted (role, is_sequence, privilege) AS (
    VALUES ('bough_reader'::pg_catalog.text, false, 'SELECT'::pg_catalog.text),
           ('bough_reader', true, 'SELECT'),
           ('bough_writer', false, 'SELECT'), ('bough_writer', false, 'INSERT'),
           ('bough_writer', false, 'UPDATE'), ('bough_writer', false, 'DELETE'),
           ('bough_writer', true, 'SELECT'), ('bough_writer', true, 'USAGE'), ('bough_writer', true, 'UPDATE')
  ),
  statements (rank, statement) AS (

    -- What is too much, for either of them and for PUBLIC, which both of them are.
    SELECT DISTINCT 1, pg_catalog.format('REVOKE %s ON SCHEMA %I FROM %s', a.privilege_type, s.nspname,
                                         COALESCE(w.name, 'PUBLIC'))
      FROM schema s
           CROSS JOIN LATERAL pg_catalog.aclexplode(s.acl) a
           LEFT JOIN who w ON w.oid OPERATOR(pg_catalog.=) a.grantee
     WHERE (a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid OR w.oid IS NOT NULL)
       AND a.privilege_type OPERATOR(pg_catalog.=) 'CREATE'
    UNION ALL -- of a whole table, which takes that of its columns too
    SELECT DISTINCT 1, pg_catalog.format('REVOKE %s ON %s %s FROM %s', a.privilege_type, r.type, r.name,
                                         COALESCE(w.name, 'PUBLIC'))
      FROM relation r
           CROSS JOIN LATERAL (
             SELECT e.grantee, e.privilege_type FROM pg_catalog.aclexplode(r.acl) e
             UNION ALL
             SELECT e.grantee, e.privilege_type
               FROM pg_catalog.pg_attribute c CROSS JOIN LATERAL pg_catalog.aclexplode(c.attacl) e
              WHERE c.attrelid OPERATOR(pg_catalog.=) r.oid AND c.attacl IS NOT NULL) a
           LEFT JOIN who w ON w.oid OPERATOR(pg_catalog.=) a.grantee
     WHERE (a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid OR w.oid IS NOT NULL)
       AND a.privilege_type OPERATOR(pg_catalog.<>) 'SELECT'
       AND NOT EXISTS (
             SELECT FROM wanted x
              WHERE x.role OPERATOR(pg_catalog.=) w.name
                AND NOT r.is_ledger
                AND x.is_sequence OPERATOR(pg_catalog.=) r.is_sequence
                AND x.privilege OPERATOR(pg_catalog.=) a.privilege_type)
    UNION ALL -- a definer's rights
    SELECT DISTINCT 1, pg_catalog.format('REVOKE EXECUTE ON ROUTINE %s FROM %s', p.oid::pg_catalog.regprocedure,
                                         COALESCE(w.name, 'PUBLIC'))
      FROM routine p
           CROSS JOIN LATERAL pg_catalog.aclexplode(p.acl) a
           LEFT JOIN who w ON w.oid OPERATOR(pg_catalog.=) a.grantee
     WHERE p.prosecdef
       AND (a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid
            OR w.name OPERATOR(pg_catalog.=) 'bough_reader')
    UNION ALL -- large objects are rows, too
    SELECT 1, pg_catalog.format('REVOKE EXECUTE ON FUNCTION %1$s FROM PUBLIC; '
                                'GRANT EXECUTE ON FUNCTION %1$s TO bough_owner, bough_writer',
                                p.oid::pg_catalog.regprocedure)
      FROM pg_catalog.pg_proc p
     WHERE p.pronamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace
       AND p.proname OPERATOR(pg_catalog.=) ANY ('{lo_creat,lo_create,lo_from_bytea}'::pg_catalog.name[])
       AND EXISTS (
             SELECT
               FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
              WHERE a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid)
    UNION ALL
    SELECT DISTINCT 1, pg_catalog.format('REVOKE UPDATE ON LARGE OBJECT %s FROM %s', l.oid,
                                         COALESCE(w.name, 'PUBLIC'))
      FROM pg_catalog.pg_largeobject_metadata l
           CROSS JOIN LATERAL pg_catalog.aclexplode(l.lomacl) a
           LEFT JOIN who w ON w.oid OPERATOR(pg_catalog.=) a.grantee
     WHERE (a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid
            OR w.name OPERATOR(pg_catalog.=) 'bough_reader')
       AND a.privilege_type OPERATOR(pg_catalog.=) 'UPDATE'
    UNION ALL -- who may use a server may make user mappings on it
    SELECT DISTINCT 1, pg_catalog.format('REVOKE USAGE ON FOREIGN SERVER %I FROM %s; '
                                         'GRANT USAGE ON FOREIGN SERVER %1$I TO bough_owner', f.srvname,
                                         COALESCE(w.name, 'PUBLIC'))
      FROM pg_catalog.pg_foreign_server f
           CROSS JOIN LATERAL pg_catalog.aclexplode(f.srvacl) a
           LEFT JOIN who w ON w.oid OPERATOR(pg_catalog.=) a.grantee
     WHERE a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid OR w.oid IS NOT NULL
    UNION ALL
    SELECT DISTINCT 1, pg_catalog.format('REVOKE USAGE ON FOREIGN DATA WRAPPER %I FROM %s; '
                                         'GRANT USAGE ON FOREIGN DATA WRAPPER %1$I TO bough_owner', f.fdwname,
                                         COALESCE(w.name, 'PUBLIC'))
      FROM pg_catalog.pg_foreign_data_wrapper f
           CROSS JOIN LATERAL pg_catalog.aclexplode(f.fdwacl) a
           LEFT JOIN who w ON w.oid OPERATOR(pg_catalog.=) a.grantee
     WHERE a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid OR w.oid IS NOT NULL
    UNION ALL
    SELECT DISTINCT 1, pg_catalog.format('REVOKE %s ON DATABASE %I FROM %s', a.privilege_type, d.datname,
                                         COALESCE(w.name, 'PUBLIC'))
      FROM pg_catalog.pg_database d
           CROSS JOIN LATERAL pg_catalog.aclexplode(COALESCE(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
           LEFT JOIN who w ON w.oid OPERATOR(pg_catalog.=) a.grantee
     WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
       AND (a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid OR w.oid IS NOT NULL)
       AND a.privilege_type OPERATOR(pg_catalog.<>) 'CONNECT'

    -- What is missing.
    UNION ALL
    SELECT 2, pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', s.nspname, w.name)
      FROM schema s CROSS JOIN who w
     WHERE NOT EXISTS (
             SELECT FROM pg_catalog.aclexplode(s.acl) a
              WHERE a.grantee OPERATOR(pg_catalog.=) w.oid
                AND a.privilege_type OPERATOR(pg_catalog.=) 'USAGE')
    UNION ALL
    SELECT 2, pg_catalog.format('GRANT %s ON %s %s TO %I', pg_catalog.string_agg(x.privilege, ', '),
                                r.type, r.name, w.name)
      FROM relation r
           CROSS JOIN who w
           JOIN wanted x ON x.role OPERATOR(pg_catalog.=) w.name
                        AND x.is_sequence OPERATOR(pg_catalog.=) r.is_sequence
                        AND (x.privilege OPERATOR(pg_catalog.=) 'SELECT' OR NOT r.is_ledger)
     WHERE NOT EXISTS (
             SELECT FROM pg_catalog.aclexplode(r.acl) a
              WHERE a.grantee OPERATOR(pg_catalog.=) w.oid
                AND a.privilege_type OPERATOR(pg_catalog.=) x.privilege)
     GROUP BY r.type, r.name, w.name
    UNION ALL -- many in one statement; more of them than somebody who logs in can wait for are left alone
    SELECT 2, pg_catalog.format('GRANT %s ON LARGE OBJECT %s TO %I', o.privileges,
                                pg_catalog.string_agg(o.oid::pg_catalog.text, ', '), o.role)
      FROM (SELECT l.oid, w.name AS role,
                   CASE WHEN w.name OPERATOR(pg_catalog.=) 'bough_writer' THEN 'SELECT, UPDATE'
                        ELSE 'SELECT' END AS privileges,
                   pg_catalog.row_number() OVER (PARTITION BY w.name ORDER BY l.oid)
                     OPERATOR(pg_catalog./) 1000 AS batch
              FROM pg_catalog.pg_largeobject_metadata l CROSS JOIN who w
             WHERE (SELECT pg_catalog.count(*) FROM pg_catalog.pg_largeobject_metadata) OPERATOR(pg_catalog.<=) 50000
               AND NOT EXISTS (
                     SELECT
                       FROM pg_catalog.aclexplode(COALESCE(l.lomacl, pg_catalog.acldefault('L', l.lomowner))) a
                      WHERE a.grantee OPERATOR(pg_catalog.=) w.oid
                        AND a.privilege_type OPERATOR(pg_catalog.=) 'SELECT')) o
     GROUP BY o.role, o.privileges, o.batch
    UNION ALL -- functions that do what their caller could do, too
    SELECT 2, pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO %I', p.oid::pg_catalog.regprocedure, w.name)
      FROM routine p CROSS JOIN who w
     WHERE NOT p.prosecdef
       AND p.proowner OPERATOR(pg_catalog.=) (SELECT o.oid FROM owner o)
       AND NOT EXISTS (
             SELECT FROM pg_catalog.aclexplode(p.acl) a
              WHERE a.grantee OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid, w.oid])
                AND a.privilege_type OPERATOR(pg_catalog.=) 'EXECUTE')

    -- The same for what bough_owner makes later. Functions are for those whom it lets call them; rows
    -- can't be written without the functions of defaults and checks.
    UNION ALL
    SELECT 3, pg_catalog.format('ALTER DEFAULT PRIVILEGES FOR ROLE bough_owner %s', l.clause)
      FROM (VALUES
              ('S'::pg_catalog."char", 'bough_reader'::pg_catalog.text, 'SELECT'::pg_catalog.text,
               'GRANT SELECT ON SEQUENCES TO bough_reader'::pg_catalog.text),
              ('S', 'bough_writer', 'USAGE', 'GRANT SELECT, USAGE, UPDATE ON SEQUENCES TO bough_writer'),
              ('r', 'bough_reader', 'SELECT', 'GRANT SELECT ON TABLES TO bough_reader'),
              ('r', 'bough_writer', 'INSERT', 'GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO bough_writer'),
              ('n', 'bough_reader', 'USAGE', 'GRANT USAGE ON SCHEMAS TO bough_reader'),
              ('n', 'bough_writer', 'USAGE', 'GRANT USAGE ON SCHEMAS TO bough_writer'),
              ('f', 'bough_writer', 'EXECUTE',
               'REVOKE EXECUTE ON ROUTINES FROM PUBLIC; '
               'ALTER DEFAULT PRIVILEGES FOR ROLE bough_owner GRANT EXECUTE ON ROUTINES TO bough_writer')
           ) AS l (kind, role, privilege, clause)
           JOIN who w ON w.name OPERATOR(pg_catalog.=) l.role
     WHERE NOT EXISTS (
             SELECT
               FROM pg_catalog.pg_default_acl d
                    CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) a
              WHERE d.defaclrole OPERATOR(pg_catalog.=) (SELECT o.oid FROM owner o)
                AND d.defaclnamespace OPERATOR(pg_catalog.=) 0::pg_catalog.oid
                AND d.defaclobjtype OPERATOR(pg_catalog.=) l.kind
                AND a.grantee OPERATOR(pg_catalog.=) w.oid
                AND a.privilege_type OPERATOR(pg_catalog.=) l.privilege)
  )
SELECT statement FROM statements ORDER BY rank, statement;
