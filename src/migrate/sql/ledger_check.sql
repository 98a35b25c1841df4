-- What the schema bough of this database is: 'none', 'ours', or what is wrong with it. A stranger's
-- table of that name could run a stranger's code in the platform's session.
SELECT CASE
         WHEN n.oid IS NULL THEN 'none'
         WHEN n.nspowner OPERATOR(pg_catalog.<>) 10::pg_catalog.oid THEN 'the schema belongs to somebody else'
         WHEN c.oid IS NULL THEN 'the table is missing'
         WHEN c.relowner OPERATOR(pg_catalog.<>) 10::pg_catalog.oid THEN 'the table belongs to somebody else'
         WHEN c.relkind OPERATOR(pg_catalog.<>) 'r' OR c.relhasrules OR c.relhastriggers
              OR c.relrowsecurity OR c.relhassubclass OR c.relispartition
           THEN 'the table was tampered with'
         WHEN EXISTS (
                SELECT FROM pg_catalog.pg_constraint k
                 WHERE k.conrelid OPERATOR(pg_catalog.=) c.oid
                   AND k.contype OPERATOR(pg_catalog.<>) 'p')
              OR EXISTS (
                SELECT FROM pg_catalog.pg_index i
                 WHERE i.indrelid OPERATOR(pg_catalog.=) c.oid AND NOT i.indisprimary)
           THEN 'the table was tampered with'
         WHEN (SELECT pg_catalog.string_agg(a.attname::pg_catalog.text, ',' ORDER BY a.attnum)
                 FROM pg_catalog.pg_attribute a
                WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid
                  AND a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 AND NOT a.attisdropped)
              OPERATOR(pg_catalog.<>)
              'entry,action,layout,version,name,repeatable,checksum,undo,undo_alone,state,statements,done,progress,xid,backend,backend_start,branch,author,on_behalf_of,started_at,duration_ms,error,schema_digest,up,up_alone'
           THEN 'the table was made by another version of Bough'
         ELSE 'ours'
       END
  FROM (VALUES (1)) AS one (number)
       LEFT JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) 'bough'
       LEFT JOIN pg_catalog.pg_class c
         ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
        AND c.relname OPERATOR(pg_catalog.=) 'migrations'
