-- Committed transactions since a position of the log, per table of this database, as the log has them; the
-- first column is NULL for all of them together, and "" for tables that aren't there any more or were
-- rewritten since. $1: the position. The functions are those of pg_walinspect, in a schema that is rolled
-- back with them. System catalogs, TOAST tables and Bough's own schema aren't counted, and neither are
-- the transactions of migrations ($2: their numbers), which a rollback is meant to take back.
WITH
  log AS MATERIALIZED (
    SELECT l.xid::pg_catalog.text AS xid, l.resource_manager AS rm, l.record_type AS kind, l.description,
           l.block_ref
      FROM bough_log.pg_get_wal_records_info_till_end_of_wal($1::pg_catalog.pg_lsn) l
     WHERE l.resource_manager OPERATOR(pg_catalog.=) ANY ('{Heap,Heap2,Transaction}'::pg_catalog.text[])
  ),
  -- A transaction with the subtransactions that were committed with it.
  parts AS (
    SELECT l.xid AS top, p.xid
      FROM log l
           CROSS JOIN LATERAL pg_catalog.regexp_split_to_table(
             pg_catalog.concat(l.xid, ' ',
               pg_catalog."substring"(l.description, 'subxacts: ([0-9 ]+)')), ' +') AS p (xid)
     WHERE l.rm OPERATOR(pg_catalog.=) 'Transaction' AND l.kind OPERATOR(pg_catalog.~) '^COMMIT$'
       AND l.xid OPERATOR(pg_catalog.<>) ALL ($2::pg_catalog.text[])
  ),
  writes AS (
    SELECT DISTINCT l.xid, pg_catalog.regexp_match(l.block_ref, 'rel ([0-9]+)/([0-9]+)/([0-9]+)') AS rel
      FROM log l
     WHERE (l.rm OPERATOR(pg_catalog.=) 'Heap'
            AND l.kind OPERATOR(pg_catalog.~) '^(INSERT|DELETE|UPDATE|HOT_UPDATE)')
        OR (l.rm OPERATOR(pg_catalog.=) 'Heap2' AND l.kind OPERATOR(pg_catalog.~) '^MULTI_INSERT')
  ),
  tables AS MATERIALIZED (
    SELECT DISTINCT w.rel, pg_catalog.pg_filenode_relation(
             w.rel[1]::pg_catalog.oid, w.rel[3]::pg_catalog.oid)::pg_catalog.oid AS oid
      FROM writes w
           JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) w.rel[2]::pg_catalog.oid
     WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
  ),
  named AS (
    SELECT t.rel,
           CASE WHEN c.oid IS NULL THEN ''
                ELSE pg_catalog.format('%I.%I', n.nspname, c.relname) END AS name
      FROM tables t
           LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.oid
           LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
     WHERE c.oid IS NULL
        OR (c.relkind OPERATOR(pg_catalog.=) ANY ('{r,m,p}'::pg_catalog."char"[])
            AND n.nspname OPERATOR(pg_catalog.<>) ALL
                ('{pg_catalog,information_schema,pg_toast,bough}'::pg_catalog.name[]))
  )
SELECT named.name, pg_catalog.count(DISTINCT parts.top)
  FROM writes
       JOIN named ON named.rel OPERATOR(pg_catalog.=) writes.rel
       JOIN parts ON parts.xid OPERATOR(pg_catalog.=) writes.xid
 GROUP BY GROUPING SETS ((named.name), ())
 ORDER BY 2 DESC, 1
