-- What depends on what. Rows that are no objects of their own stand for what they belong to: a view's rule for the
-- view, a default for its column, a row type for its relation, an array for its element, an index for its constraint, an
-- identity column's sequence for the column, what an extension brought for the extension.
WITH
  own (classid, oid, to_classid, to_oid, to_subid) AS (
    SELECT 'pg_rewrite'::regclass::oid, r.oid, 'pg_class'::regclass::oid, r.ev_class, 0
      FROM pg_rewrite r WHERE r.rulename = '_RETURN'
    UNION ALL
    SELECT 'pg_attrdef'::regclass, d.oid, 'pg_class'::regclass, d.adrelid, d.adnum FROM pg_attrdef d
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 'pg_class'::regclass, t.typrelid, 0 FROM pg_type t WHERE t.typrelid <> 0
    UNION ALL
    SELECT 'pg_type'::regclass, e.typarray, CASE WHEN e.typrelid <> 0 THEN 'pg_class'::regclass ELSE 'pg_type'::regclass END,
           CASE WHEN e.typrelid <> 0 THEN e.typrelid ELSE e.oid END, 0
      FROM pg_type e WHERE e.typarray <> 0
    UNION ALL
    SELECT 'pg_type'::regclass, r.rngmultitypid, 'pg_type'::regclass, r.rngtypid, 0 FROM pg_range r
    UNION ALL
    SELECT 'pg_class'::regclass, k.conindid, 'pg_constraint'::regclass, k.oid, 0
      FROM pg_constraint k WHERE k.contype IN ('p', 'u', 'x')
    UNION ALL
    SELECT 'pg_class'::regclass, d.objid, 'pg_class'::regclass, d.refobjid, d.refobjsubid
      FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'
    UNION ALL
    SELECT d.classid, d.objid, d.refclassid, d.refobjid, 0
      FROM pg_depend d
     WHERE d.classid IN ('pg_amop'::regclass, 'pg_amproc'::regclass) AND d.deptype IN ('a', 'i')
       AND d.refclassid IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass)
    UNION ALL
    SELECT 'pg_publication_rel'::regclass, r.oid, 'pg_publication'::regclass, r.prpubid, 0 FROM pg_publication_rel r
    UNION ALL
    SELECT 'pg_publication_namespace'::regclass, r.oid, 'pg_publication'::regclass, r.pnpubid, 0
      FROM pg_publication_namespace r
  ),
  member (classid, oid, extension) AS (
    SELECT d.classid, d.objid, d.refobjid FROM pg_depend d
     WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
  )
SELECT COALESCE(a.to_classid, d.classid) AS classid, COALESCE(a.to_oid, d.objid) AS oid, COALESCE(a.to_subid, d.objsubid) AS subid,
       CASE WHEN m.oid IS NOT NULL THEN 'pg_extension'::regclass::oid ELSE COALESCE(b.to_classid, d.refclassid) END AS needs_classid,
       COALESCE(m.extension, b.to_oid, d.refobjid) AS needs_oid,
       CASE WHEN m.oid IS NOT NULL THEN 0 ELSE COALESCE(b.to_subid, d.refobjsubid) END AS needs_subid
  FROM pg_depend d
       LEFT JOIN own a ON a.classid = d.classid AND a.oid = d.objid
       LEFT JOIN own b ON b.classid = d.refclassid AND b.oid = d.refobjid
       LEFT JOIN member m ON m.classid = COALESCE(b.to_classid, d.refclassid) AND m.oid = COALESCE(b.to_oid, d.refobjid)
 WHERE d.refobjid >= 16384 AND d.deptype IN ('n', 'a', 'i', 'P', 'S')
