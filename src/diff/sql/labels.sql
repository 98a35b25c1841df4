-- Security labels.
SELECT CASE WHEN c.oid IS NULL THEN l.classoid ELSE 'pg_class'::regclass::oid END AS classid,
       COALESCE(c.oid, l.objoid) AS oid, l.objsubid AS subid,
       string_agg(format('%s: %s', l.provider, l.label), E'\n' ORDER BY l.provider) AS labels
  FROM pg_seclabel l
       LEFT JOIN pg_class c ON l.classoid = 'pg_type'::regclass AND c.relkind = 'c' AND c.reltype = l.objoid
 GROUP BY 1, 2, 3
