-- Columns of tables and foreign tables, in order. What a partition has in common with its parent isn't its own,
-- however it was attached. Some builds of the server keep a version of each column among its options (pg_attver): their
-- bookkeeping, which pg_dump leaves out, too.
SELECT a.attrelid AS oid, a.attnum AS subid, a.attnum AS position, a.attrelid AS parent, '' AS schema, a.attname AS name,
       '' AS signature, NULL AS owner, a.attacl AS grants, NULL AS definition,
       format_type(a.atttypid, a.atttypmod) AS type,
       CASE WHEN a.attcollation NOT IN (0, 100) THEN
       (SELECT format('%I.%I', k.nspname, l.collname) FROM pg_collation l JOIN pg_namespace k ON k.oid = l.collnamespace
          WHERE l.oid = a.attcollation AND l.oid <> (SELECT y.typcollation FROM pg_type y WHERE y.oid = a.atttypid)) END AS collation,
       a.attnotnull AS not_null, pg_get_expr(d.adbin, CASE WHEN a.attgenerated = '' THEN 0 ELSE d.adrelid END) AS "default",
       NULLIF(a.attgenerated, '') AS generated, NULLIF(a.attidentity, '') AS identity,
       i.options AS identity_sequence, CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END AS storage, NULLIF(a.attcompression, '') AS compression,
       NULLIF(a.attstattarget, -1) AS statistics,
       CASE WHEN cardinality(a.attoptions) > 1 OR a.attoptions[1] NOT LIKE 'pg_attver=%' THEN
       (SELECT string_agg(quote_ident(option_name) || '=' || quote_literal(option_value), ', ' ORDER BY option_name)
          FROM pg_options_to_table(a.attoptions) WHERE option_name <> 'pg_attver') END AS options,
       CASE WHEN a.attfdwoptions IS NOT NULL THEN
       (SELECT string_agg(quote_ident(option_name) || ' ' || quote_literal(option_value), ', ' ORDER BY option_name)
          FROM pg_options_to_table(a.attfdwoptions)) END AS foreign_options,
       a.attislocal AND NOT (c.relispartition AND a.attinhcount > 0) AS local, a.attinhcount AS inherited
  FROM pg_attribute a
       JOIN pg_class c ON c.oid = a.attrelid
       JOIN pg_type t ON t.oid = a.atttypid
       LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       LEFT JOIN (SELECT p.refobjid, p.refobjsubid,
                         format('SEQUENCE NAME %s AS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s %s',
                                s.seqrelid::regclass, format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin,
                                s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END)
                    FROM pg_depend p JOIN pg_sequence s ON s.seqrelid = p.objid
                   WHERE p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass AND p.deptype = 'i'
                 ) i (relation, number, options) ON i.relation = a.attrelid AND i.number = a.attnum
 WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND a.attrelid >= 16384
   AND a.attnum > 0 AND NOT a.attisdropped
