-- Who shall own the objects of one database after an import: one statement per object that isn't
-- already its wanted owner's (kind, subject, statement).
-- $1: the roles that were superusers at the source, a text[]. "unsafe" is what bough_holder gets.
WITH
  roles AS (
    SELECT r.oid, r.rolname::pg_catalog.text AS name,
           r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.text[])
             OR r.rolname OPERATOR(pg_catalog.=) 'bough_platform' AS was_superuser
      FROM pg_catalog.pg_authid r
  ),
  members AS ( -- what extensions brought along
    SELECT d.classid, d.objid
      FROM pg_catalog.pg_depend d
     WHERE d.deptype OPERATOR(pg_catalog.=) 'e'
       AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
  ),
  objects (classid, oid, owner, is_plain) AS (
    SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass, n.oid, n.nspowner, true
      FROM pg_catalog.pg_namespace n
     WHERE n.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
           AND pg_catalog."left"(n.nspname, 3) OPERATOR(pg_catalog.<>) 'pg_' -- of temporary tables
        OR n.nspname OPERATOR(pg_catalog.=) 'public'
    UNION ALL -- indexes follow their table, as do sequences that belong to a column
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, c.relowner, true
      FROM pg_catalog.pg_class c
     WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S}'::pg_catalog."char"[])
       AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
       AND NOT (c.relkind OPERATOR(pg_catalog.=) 'S' AND EXISTS (
                  SELECT FROM pg_catalog.pg_depend d
                   WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                     AND d.objid OPERATOR(pg_catalog.=) c.oid
                     AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                     AND d.deptype OPERATOR(pg_catalog.=) ANY ('{a,i}'::pg_catalog."char"[])))
    UNION ALL -- row types follow their relation, arrays and multiranges their type; base types are C
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, t.typowner,
           t.typtype OPERATOR(pg_catalog.<>) 'b'
      FROM pg_catalog.pg_type t
           LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.typrelid
     WHERE t.typtype OPERATOR(pg_catalog.=) ANY ('{b,d,e,r}'::pg_catalog."char"[])
           AND NOT EXISTS (
                 SELECT FROM pg_catalog.pg_type e WHERE e.typarray OPERATOR(pg_catalog.=) t.oid)
        OR c.relkind OPERATOR(pg_catalog.=) 'c'
    UNION ALL -- a function is plain if whoever could replace it would gain nothing by that
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, p.proowner,
           CASE p.prokind
             WHEN 'a' THEN NOT EXISTS (
               SELECT FROM pg_catalog.pg_aggregate a
                WHERE a.aggfnoid OPERATOR(pg_catalog.=) p.oid
                  AND a.aggtranstype OPERATOR(pg_catalog.=) 'pg_catalog.internal'::pg_catalog.regtype)
             ELSE (l.lanname OPERATOR(pg_catalog.=) 'sql' OR l.lanpltrusted)
                  AND NOT (p.prosecdef AND r.was_superuser)
                  AND NOT EXISTS (
                        SELECT FROM pg_catalog.pg_event_trigger t
                         WHERE t.evtfoid OPERATOR(pg_catalog.=) p.oid)
           END
      FROM pg_catalog.pg_proc p
           JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
           LEFT JOIN roles r ON r.oid OPERATOR(pg_catalog.=) p.proowner
    UNION ALL -- rows and their statistics
    SELECT 'pg_catalog.pg_largeobject'::pg_catalog.regclass, m.oid, m.lomowner, true
      FROM pg_catalog.pg_largeobject_metadata m
    UNION ALL
    SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, s.oid, s.stxowner, true
      FROM pg_catalog.pg_statistic_ext s
    UNION ALL
    SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid, o.oprowner, false
      FROM pg_catalog.pg_operator o
    UNION ALL
    SELECT 'pg_catalog.pg_opclass'::pg_catalog.regclass, o.oid, o.opcowner, false
      FROM pg_catalog.pg_opclass o
    UNION ALL
    SELECT 'pg_catalog.pg_opfamily'::pg_catalog.regclass, o.oid, o.opfowner, false
      FROM pg_catalog.pg_opfamily o
    UNION ALL
    SELECT 'pg_catalog.pg_collation'::pg_catalog.regclass, c.oid, c.collowner, false
      FROM pg_catalog.pg_collation c
    UNION ALL
    SELECT 'pg_catalog.pg_conversion'::pg_catalog.regclass, c.oid, c.conowner, false
      FROM pg_catalog.pg_conversion c
    UNION ALL
    SELECT 'pg_catalog.pg_ts_config'::pg_catalog.regclass, c.oid, c.cfgowner, false
      FROM pg_catalog.pg_ts_config c
    UNION ALL
    SELECT 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, d.oid, d.dictowner, false
      FROM pg_catalog.pg_ts_dict d
    UNION ALL
    SELECT 'pg_catalog.pg_language'::pg_catalog.regclass, l.oid, l.lanowner, false
      FROM pg_catalog.pg_language l
    UNION ALL
    SELECT 'pg_catalog.pg_foreign_server'::pg_catalog.regclass, s.oid, s.srvowner, false
      FROM pg_catalog.pg_foreign_server s
    UNION ALL
    SELECT 'pg_catalog.pg_publication'::pg_catalog.regclass, p.oid, p.pubowner, false
      FROM pg_catalog.pg_publication p
  ),
  placed AS (
    SELECT o.classid, o.oid, o.owner, o.is_plain AND m.objid IS NULL AS is_plain,
           m.objid IS NOT NULL AS is_member
      FROM objects o
           LEFT JOIN members m ON m.classid OPERATOR(pg_catalog.=) o.classid
                              AND m.objid OPERATOR(pg_catalog.=) o.oid
     WHERE o.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
        OR o.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
        OR o.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_largeobject'::pg_catalog.regclass
  ),
  wanted AS (
    SELECT p.classid, p.oid, p.is_member,
           CASE WHEN p.is_plain THEN 'bough_owner' ELSE 'bough_holder' END AS new_owner
      FROM placed p
           LEFT JOIN roles r ON r.oid OPERATOR(pg_catalog.=) p.owner
     WHERE r.name IS NULL -- what people made on a branch stays theirs; what the holder has, its own
        OR r.name OPERATOR(pg_catalog.<>) CASE WHEN p.is_plain THEN 'bough_owner' ELSE 'bough_holder' END
           AND NOT r.name OPERATOR(pg_catalog.=) ANY ('{bough_owner,bough_holder}'::pg_catalog.text[])
  ),
  statements (rank, kind, subject, statement) AS (
    SELECT 0,
           CASE WHEN w.new_owner OPERATOR(pg_catalog.=) 'bough_owner' THEN 'plain'
                WHEN w.is_member THEN 'member' ELSE 'unsafe' END,
           pg_catalog.concat_ws(' ', i.type, i.identity),
           pg_catalog.format('ALTER %s %s OWNER TO %I',
                             CASE i.type WHEN 'statistics object' THEN 'STATISTICS'
                                         WHEN 'composite type' THEN 'TYPE'
                                         WHEN 'aggregate' THEN 'ROUTINE'
                                         ELSE pg_catalog.upper(i.type) END,
                             i.identity, w.new_owner)
      FROM wanted w
           CROSS JOIN LATERAL pg_catalog.pg_identify_object(w.classid, w.oid, 0) i

    -- Only superusers can own these two.
    UNION ALL
    SELECT 1, 'superuser', pg_catalog.format('event trigger %I', t.evtname),
           pg_catalog.format('ALTER EVENT TRIGGER %I OWNER TO bough_platform', t.evtname)
      FROM pg_catalog.pg_event_trigger t
           LEFT JOIN roles r ON r.oid OPERATOR(pg_catalog.=) t.evtowner
     WHERE r.name IS DISTINCT FROM 'bough_platform'
    UNION ALL
    SELECT 1, 'superuser', pg_catalog.format('foreign data wrapper %I', w.fdwname),
           pg_catalog.format('ALTER FOREIGN DATA WRAPPER %I OWNER TO bough_platform', w.fdwname)
      FROM pg_catalog.pg_foreign_data_wrapper w
           LEFT JOIN roles r ON r.oid OPERATOR(pg_catalog.=) w.fdwowner
     WHERE r.name IS DISTINCT FROM 'bough_platform'

    -- What initdb keeps from PUBLIC and a superuser of the source gave away.
    UNION ALL
    SELECT 2, 'system-grant', p.oid::pg_catalog.regprocedure::pg_catalog.text,
           pg_catalog.format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', p.oid::pg_catalog.regprocedure)
      FROM pg_catalog.pg_proc p
           JOIN pg_catalog.pg_init_privs v
             ON v.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
            AND v.objoid OPERATOR(pg_catalog.=) p.oid
            AND v.privtype OPERATOR(pg_catalog.=) 'i'
     WHERE EXISTS (
             SELECT
               FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
              WHERE a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid)
       AND NOT EXISTS (
             SELECT FROM pg_catalog.aclexplode(v.initprivs) a
              WHERE a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid)
    UNION ALL
    SELECT DISTINCT 2, 'system-grant', c.oid::pg_catalog.regclass::pg_catalog.text,
           pg_catalog.format('REVOKE %s ON %s FROM PUBLIC', a.privilege_type, c.oid::pg_catalog.regclass)
      FROM pg_catalog.pg_class c
           CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
     WHERE c.relnamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace
       AND c.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid
       AND a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid
       AND NOT EXISTS (
             SELECT
               FROM pg_catalog.pg_init_privs v
                    CROSS JOIN LATERAL pg_catalog.aclexplode(v.initprivs) b
              WHERE v.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                AND v.objoid OPERATOR(pg_catalog.=) c.oid
                AND v.objsubid OPERATOR(pg_catalog.=) 0
                AND b.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid
                AND b.privilege_type OPERATOR(pg_catalog.=) a.privilege_type)

    -- What the platform makes later isn't given to whom a superuser of the source wanted it given.
    UNION ALL
    SELECT 3, 'default', COALESCE(n.nspname, 'all schemas'),
           pg_catalog.format('ALTER DEFAULT PRIVILEGES FOR ROLE bough_platform %s REVOKE ALL ON %s FROM %s',
                             CASE WHEN n.nspname IS NOT NULL
                                  THEN pg_catalog.format('IN SCHEMA %I', n.nspname) END,
                             CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'
                                                  WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
                                                  ELSE 'SCHEMAS' END,
                             CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC'
                                  ELSE pg_catalog.quote_ident(g.name) END)
      FROM pg_catalog.pg_default_acl d
           JOIN roles r ON r.oid OPERATOR(pg_catalog.=) d.defaclrole
           CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) a
           LEFT JOIN roles g ON g.oid OPERATOR(pg_catalog.=) a.grantee
           LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) d.defaclnamespace
     WHERE r.name OPERATOR(pg_catalog.=) 'bough_platform'
       AND a.grantee OPERATOR(pg_catalog.<>) d.defaclrole
       AND (a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid OR g.name IS NOT NULL)
  )
SELECT kind, subject, statement FROM statements ORDER BY rank, subject;
