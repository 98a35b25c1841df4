-- Every table of people's with what its data lies in: which columns its rows have (a column that is dropped
-- and made again changes no file), its own files and those of its TOAST table, each with size and time of
-- change, which PostgreSQL tells in seconds. After a checkpoint.
SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname),
       pg_catalog.pg_relation_filenode(c.oid),
       pg_catalog.concat(
         (SELECT pg_catalog.md5(pg_catalog.string_agg(
                   pg_catalog.concat_ws(':', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attmissingval),
                   ',' ORDER BY a.attnum))
            FROM pg_catalog.pg_attribute a
           WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid
             AND a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 AND NOT a.attisdropped),
         ' ',
         pg_catalog.string_agg(
           pg_catalog.concat(r.oid, ':', pg_catalog.pg_relation_filepath(r.oid), ':', g, ':', s.size, ':', s.modification),
           ',' ORDER BY r.oid, g)),
       pg_catalog.sum(s.size),
       pg_catalog.date_part('epoch', pg_catalog.max(s.modification))
  FROM pg_catalog.pg_class c
       JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
       CROSS JOIN LATERAL (VALUES (c.oid), (c.reltoastrelid)) AS r (oid)
       CROSS JOIN LATERAL pg_catalog.generate_series(
         0::pg_catalog.int8,
         pg_catalog.pg_relation_size(r.oid) OPERATOR(pg_catalog./) 1073741824::pg_catalog.int8) AS g
       CROSS JOIN LATERAL pg_catalog.pg_stat_file(
         pg_catalog.concat(pg_catalog.pg_relation_filepath(r.oid),
                           CASE WHEN g OPERATOR(pg_catalog.>) 0 THEN pg_catalog.concat('.', g) END), true) AS s
 WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,m}'::pg_catalog."char"[])
   AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
   AND c.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
   AND n.nspname OPERATOR(pg_catalog.<>) ALL ('{bough,information_schema}'::pg_catalog.name[])
   AND r.oid OPERATOR(pg_catalog.<>) 0::pg_catalog.oid
 GROUP BY c.oid, n.nspname, c.relname
 ORDER BY c.oid
