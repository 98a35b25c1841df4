-- Who waits for whom right now, for what and for how long. relation: NULL where it is no relation that is locked.
SELECT w.pid, b.pid, l.mode, CASE WHEN c.oid IS NOT NULL THEN pg_catalog.format('%I.%I', n.nspname, c.relname) END,
       pg_catalog.substr(w.query, 1, 160), pg_catalog.substr(b.query, 1, 160),
       (EXTRACT(epoch FROM pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) l.waitstart)
         OPERATOR(pg_catalog.*) 1000::pg_catalog.numeric)::pg_catalog.int8,
       w.application_name OPERATOR(pg_catalog.=) 'bough migrate', b.application_name OPERATOR(pg_catalog.=) 'bough migrate'
  FROM pg_catalog.pg_locks l
       JOIN pg_catalog.pg_stat_activity w ON w.pid OPERATOR(pg_catalog.=) l.pid
       CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(l.pid)) AS blocker (pid)
       JOIN pg_catalog.pg_stat_activity b ON b.pid OPERATOR(pg_catalog.=) blocker.pid
       LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) l.relation
       LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
 WHERE NOT l.granted AND l.waitstart IS NOT NULL
