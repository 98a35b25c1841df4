-- What became of migrations whose writer is gone, by the server's own record of commits. A transaction
-- that isn't in this server's past can't be asked about: it counts as aborted (a ledger that was
-- restored from a dump).
UPDATE bough.migrations AS m
   SET state = CASE
         WHEN r.committed
              AND (m.progress IS NULL
                   OR m.done OPERATOR(pg_catalog.+) 1 OPERATOR(pg_catalog.>=) m.statements) THEN 'done'
         WHEN r.committed THEN 'stopped'
         WHEN m.progress IS NULL THEN 'failed'
         ELSE 'stopped' END,
       done = CASE
         WHEN r.committed AND m.progress IS NULL THEN m.statements
         WHEN r.committed THEN m.done OPERATOR(pg_catalog.+) 1
         ELSE m.done END,
       error = CASE WHEN r.committed THEN m.error ELSE 'its writer went away' END,
       backend = NULL, backend_start = NULL
  FROM (SELECT entry,
               COALESCE(
                 CASE WHEN xid OPERATOR(pg_catalog.<)
                           pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
                      THEN pg_catalog.pg_xact_status(xid) END, 'aborted')
                 OPERATOR(pg_catalog.=) 'committed' AS committed
          FROM bough.migrations
         WHERE state OPERATOR(pg_catalog.=) 'running') AS r
 WHERE m.entry OPERATOR(pg_catalog.=) r.entry
