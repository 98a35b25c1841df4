-- Locks that a backend holds on people's tables, views, indexes and sequences that were there before.
SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, c.relname), l.mode
  FROM pg_catalog.pg_locks l
       JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) l.relation
       JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
 WHERE l.pid OPERATOR(pg_catalog.=) $1::pg_catalog.int4
   AND l.granted
   AND l.locktype OPERATOR(pg_catalog.=) 'relation'
   AND l.database OPERATOR(pg_catalog.=)
       (SELECT d.oid FROM pg_catalog.pg_database d
         WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
   AND c.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
   AND n.nspname OPERATOR(pg_catalog.<>) ALL ('{bough,pg_toast,information_schema}'::pg_catalog.name[])
 ORDER BY 1, 2
