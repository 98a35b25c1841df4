-- The databases of a cluster and what of each is pending in shared memory or the shared catalogs.
SELECT d.datname, d.oid, d.datallowconn,
       d.datconnlimit OPERATOR(pg_catalog.=) (-2) AS is_invalid, -- its DROP was interrupted
       (SELECT pg_catalog.count(*)
          FROM pg_catalog.pg_prepared_xacts x
         WHERE x.database OPERATOR(pg_catalog.=) d.datname) AS prepared,
       (SELECT pg_catalog.count(*)
          FROM pg_catalog.pg_subscription s
         WHERE s.subdbid OPERATOR(pg_catalog.=) d.oid) AS subscriptions,
       -- Superusers alone may enter it: nothing has changed in it since it was cleaned and sealed.
       d.datconnlimit OPERATOR(pg_catalog.=) 0 AS is_sealed
  FROM pg_catalog.pg_database d
 ORDER BY d.oid;
