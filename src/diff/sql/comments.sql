-- Comments, of the types of composite types by their relation.
SELECT CASE WHEN c.oid IS NULL THEN d.classoid ELSE 'pg_class'::regclass::oid END AS classid,
       COALESCE(c.oid, d.objoid) AS oid, d.objsubid AS subid, d.description
  FROM pg_description d
       LEFT JOIN pg_class c ON d.classoid = 'pg_type'::regclass AND c.relkind = 'c' AND c.reltype = d.objoid
 WHERE d.objoid >= 16384 OR d.classoid IN ('pg_namespace'::regclass, 'pg_extension'::regclass)
