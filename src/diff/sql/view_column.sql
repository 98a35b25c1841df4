-- Columns of views and materialized views about which more is said than the view's definition does.
SELECT a.attrelid AS oid, a.attnum AS subid, a.attnum AS position, a.attrelid AS parent, '' AS schema, a.attname AS name,
       '' AS signature, NULL AS owner, a.attacl AS grants, NULL AS definition,
       pg_get_expr(d.adbin, d.adrelid) AS "default", NULLIF(a.attstattarget, -1) AS statistics,
       CASE WHEN c.relkind = 'm' AND a.attstorage <> t.typstorage THEN a.attstorage END AS storage, o.options
  FROM pg_attribute a
       JOIN pg_class c ON c.oid = a.attrelid
       JOIN pg_type t ON t.oid = a.atttypid
       CROSS JOIN LATERAL (
         SELECT string_agg(quote_ident(option_name) || '=' || quote_literal(option_value), ', ' ORDER BY option_name)
           FROM pg_options_to_table(a.attoptions) WHERE option_name <> 'pg_attver') o (options)
       LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = ANY (ARRAY(SELECT r.oid FROM pg_class r WHERE r.relkind IN ('v', 'm') AND r.oid >= 16384)) AND a.attnum > 0
   AND (d.oid IS NOT NULL OR a.attacl IS NOT NULL OR a.attstattarget <> -1 OR o.options IS NOT NULL
        OR c.relkind = 'm' AND a.attstorage <> t.typstorage
        OR EXISTS (SELECT FROM pg_description e
                    WHERE e.classoid = 'pg_class'::regclass AND e.objoid = a.attrelid AND e.objsubid = a.attnum))
