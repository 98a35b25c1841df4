-- What must change in one database before anybody may use a branch: one statement per row (kind,
-- subject, statement), in the order in which they are to be run.
WITH
  -- Tables of schedulers and queues that a background worker acts upon, and what makes them idle.
  queues (extension, relation, column_name) AS (
    VALUES
      ('pg_cron'::pg_catalog.name, 'job'::pg_catalog.name, 'active'::pg_catalog.name),
      ('pgagent', 'pga_job', 'jobenabled'),
      ('timescaledb', 'bgw_job', 'scheduled'),
      ('pg_net', 'http_request_queue', NULL) -- its rows are requests to be sent: they go
  ),
  queue_tables AS (
    SELECT e.extname, c.oid, c.relname, n.nspname, q.column_name,
           -- Writing to a table runs what hangs on it, as superuser: rules, triggers that fire in
           -- replica sessions, checks, generated columns, domains, expressions and operator classes of indexes. Where an
           -- extension's own table has none of them, nothing but PostgreSQL's code runs.
           c.relkind OPERATOR(pg_catalog.=) 'r' AND NOT c.relhasrules AND NOT c.relispartition
             AND NOT EXISTS (
                   SELECT FROM pg_catalog.pg_trigger t
                    WHERE t.tgrelid OPERATOR(pg_catalog.=) c.oid
                      AND t.tgenabled OPERATOR(pg_catalog.=) ANY ('{A,R}'::pg_catalog."char"[]))
             AND NOT EXISTS (
                   SELECT FROM pg_catalog.pg_index i
                    WHERE i.indrelid OPERATOR(pg_catalog.=) c.oid
                      AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
                           OR EXISTS (SELECT
                                        FROM pg_catalog.unnest(i.indclass::pg_catalog.oid[]) AS o
                                       WHERE o OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid)))
             AND NOT EXISTS (
                   SELECT FROM pg_catalog.pg_constraint k
                    WHERE k.conrelid OPERATOR(pg_catalog.=) c.oid
                      AND k.contype OPERATOR(pg_catalog.=) 'c')
             AND NOT EXISTS (
                   SELECT
                     FROM pg_catalog.pg_attribute a
                          JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) a.atttypid
                    WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid
                      AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
                      AND (a.attgenerated OPERATOR(pg_catalog.<>) ''
                           OR t.typtype OPERATOR(pg_catalog.=) 'd'
                           OR a.attname OPERATOR(pg_catalog.=) q.column_name
                              AND a.atttypid OPERATOR(pg_catalog.<>) 16::pg_catalog.oid)) AS is_plain
      FROM queues q
           JOIN pg_catalog.pg_extension e ON e.extname OPERATOR(pg_catalog.=) q.extension
           JOIN pg_catalog.pg_depend d
             ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
            AND d.refobjid OPERATOR(pg_catalog.=) e.oid
            AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
            AND d.deptype OPERATOR(pg_catalog.=) 'e'
           JOIN pg_catalog.pg_class c
             ON c.oid OPERATOR(pg_catalog.=) d.objid
            AND c.relname OPERATOR(pg_catalog.=) q.relation
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  ),
  -- Options of foreign data that may hold a secret, or name a program (file_fdw), by their name.
  secret (pattern) AS (
    VALUES ('^program$|passw|passfile|secret|token|credential|private|auth|sslkey|access_?key|api_?key'::pg_catalog.text)
  ),
  statements (rank, kind, subject, statement) AS (

    -- First of all: an event trigger that fires in replica sessions would fire on what follows.
    SELECT 0, 'event-trigger', t.evtname::pg_catalog.text,
           pg_catalog.format('ALTER EVENT TRIGGER %I ENABLE', t.evtname)
      FROM pg_catalog.pg_event_trigger t
     WHERE t.evtenabled OPERATOR(pg_catalog.=) ANY ('{A,R}'::pg_catalog."char"[])

    -- DROP connects to the publisher, slot or not, when a table's first copy wasn't over. With a socket
    -- directory that isn't there it can't.
    UNION ALL
    SELECT 1, 'subscription', s.subname,
           pg_catalog.format(
             'ALTER SUBSCRIPTION %1$I DISABLE; '
             'ALTER SUBSCRIPTION %1$I CONNECTION ''host=/nonexistent port=1 dbname=none''; '
             'ALTER SUBSCRIPTION %1$I SET (slot_name = NONE); '
             'DROP SUBSCRIPTION %1$I', s.subname)
      FROM pg_catalog.pg_subscription s
           JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) s.subdbid
     WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()

    UNION ALL
    SELECT 2, CASE WHEN q.is_plain THEN 'job' ELSE 'job-left' END,
           pg_catalog.format('%I.%I', q.nspname, q.relname),
           CASE WHEN NOT q.is_plain THEN ''
                WHEN q.column_name IS NULL
                THEN pg_catalog.format('DELETE FROM ONLY %I.%I', q.nspname, q.relname)
                ELSE pg_catalog.format('UPDATE ONLY %1$I.%2$I SET %3$I = false WHERE %3$I',
                                       q.nspname, q.relname, q.column_name) END
      FROM queue_tables q

    -- Secrets in the options of foreign data. ALTER ... OPTIONS would call the wrapper's validator, a
    -- stranger's function, as superuser; writing the catalog's row doesn't.
    UNION ALL
    SELECT DISTINCT 3, 'mapping', s.srvname::pg_catalog.text,
           pg_catalog.format(
             'UPDATE pg_catalog.pg_user_mapping SET umoptions ='
             ' (SELECT pg_catalog.array_agg(o) FROM pg_catalog.unnest(umoptions) AS o'
             ' WHERE pg_catalog.split_part(o, ''='', 1)'
             ' OPERATOR(pg_catalog.=) ANY (''{user,username}''::pg_catalog.text[]))'
             ' WHERE umserver OPERATOR(pg_catalog.=) %s::pg_catalog.oid', s.oid)
      FROM pg_catalog.pg_user_mapping m
           JOIN pg_catalog.pg_foreign_server s ON s.oid OPERATOR(pg_catalog.=) m.umserver
           CROSS JOIN LATERAL pg_catalog.unnest(m.umoptions) AS o
     WHERE NOT pg_catalog.split_part(o, '=', 1)
               OPERATOR(pg_catalog.=) ANY ('{user,username}'::pg_catalog.text[])

    UNION ALL
    SELECT DISTINCT 3, 'secret', h.name,
           pg_catalog.format(
             'UPDATE pg_catalog.%1$I SET %2$I ='
             ' (SELECT pg_catalog.array_agg(o) FROM pg_catalog.unnest(%2$I) AS o'
             ' WHERE pg_catalog.split_part(o, ''='', 1) OPERATOR(pg_catalog.!~*) %3$L)'
             ' WHERE %4$I OPERATOR(pg_catalog.=) %5$s::pg_catalog.oid',
             h.catalog, h.options_column, secret.pattern, h.key_column, h.key)
      FROM (SELECT 'pg_foreign_server'::pg_catalog.text, 'srvoptions'::pg_catalog.text,
                   'oid'::pg_catalog.text, s.oid, s.srvname::pg_catalog.text, s.srvoptions
              FROM pg_catalog.pg_foreign_server s
            UNION ALL
            SELECT 'pg_foreign_data_wrapper', 'fdwoptions', 'oid', w.oid, w.fdwname, w.fdwoptions
              FROM pg_catalog.pg_foreign_data_wrapper w
            UNION ALL
            SELECT 'pg_foreign_table', 'ftoptions', 'ftrelid', f.ftrelid, c.relname, f.ftoptions
              FROM pg_catalog.pg_foreign_table f
                   JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) f.ftrelid
           ) AS h (catalog, options_column, key_column, key, name, options)
           CROSS JOIN secret
           CROSS JOIN LATERAL pg_catalog.unnest(h.options) AS o
     WHERE pg_catalog.split_part(o, '=', 1) OPERATOR(pg_catalog.~*) secret.pattern

    -- Who may only read can make nothing: CREATE comes from bough_owner, not from PUBLIC.
    UNION ALL
    SELECT 4, 'privilege', n.nspname,
           pg_catalog.format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', n.nspname)
      FROM pg_catalog.pg_namespace n
     WHERE EXISTS (
             SELECT FROM pg_catalog.aclexplode(n.nspacl) a
              WHERE a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid
                AND a.privilege_type OPERATOR(pg_catalog.=) 'CREATE')

    -- A function with its definer's rights is for those whom bough_owner lets call it.
    UNION ALL
    SELECT 4, 'privilege', p.oid::pg_catalog.regprocedure::pg_catalog.text,
           pg_catalog.format('REVOKE EXECUTE ON ROUTINE %1$s FROM PUBLIC; '
                             'GRANT EXECUTE ON ROUTINE %1$s TO bough_owner',
                             p.oid::pg_catalog.regprocedure)
      FROM pg_catalog.pg_proc p
     WHERE p.prosecdef AND p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
       AND EXISTS (
             SELECT
               FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
              WHERE a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid)
       AND NOT EXISTS (
             SELECT FROM pg_catalog.pg_depend d
              WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
                AND d.objid OPERATOR(pg_catalog.=) p.oid
                AND d.deptype OPERATOR(pg_catalog.=) 'e')
  )
SELECT kind, subject, statement FROM statements ORDER BY rank, subject, statement;
