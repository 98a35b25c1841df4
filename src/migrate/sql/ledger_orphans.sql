-- Ends the session of a migration whose writer is gone. It is asked for while nobody else can hold the
-- ledger's lock, so whoever ran it isn't there any more.
SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(a.pid))
  FROM bough.migrations m
       JOIN pg_catalog.pg_stat_activity a
         ON a.pid OPERATOR(pg_catalog.=) m.backend
        AND a.backend_start OPERATOR(pg_catalog.=) m.backend_start
 WHERE m.state OPERATOR(pg_catalog.=) 'running'
