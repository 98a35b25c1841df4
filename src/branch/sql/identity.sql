-- Which objects a database has: one line per object, ordered, as one text.
-- Line: catalog, oid, attribute number, parent's oid, schema's oid, kind, name, each but the last a
-- word, the name a JSON string. The parent is the relation of a column, trigger or policy, the table of
-- an index, the enum of a value. System objects and Bough's own are left out.
WITH
  objects (catalog, oid, subid, parent, namespace, kind, name) AS (
    SELECT 'schema'::pg_catalog.text, n.oid, 0, 0::pg_catalog.oid, 0::pg_catalog.oid,
           '-'::pg_catalog.text, n.nspname::pg_catalog.text
      FROM pg_catalog.pg_namespace n
    UNION ALL
    SELECT 'relation', c.oid, 0, COALESCE(i.indrelid, 0::pg_catalog.oid), c.relnamespace,
           c.relkind::pg_catalog.text, c.relname
      FROM pg_catalog.pg_class c
           LEFT JOIN pg_catalog.pg_index i ON i.indexrelid OPERATOR(pg_catalog.=) c.oid
     WHERE c.relkind OPERATOR(pg_catalog.<>) 't'
    UNION ALL
    SELECT 'column', a.attrelid, a.attnum, a.attrelid, 0::pg_catalog.oid, '-', a.attname
      FROM pg_catalog.pg_attribute a
           JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) a.attrelid
     WHERE a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
       AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,c}'::pg_catalog."char"[])
    UNION ALL
    SELECT 'constraint', k.oid, 0,
           CASE WHEN k.conrelid OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN k.contypid
                ELSE k.conrelid END,
           k.connamespace, k.contype::pg_catalog.text, k.conname
      FROM pg_catalog.pg_constraint k
    UNION ALL
    SELECT 'trigger', t.oid, 0, t.tgrelid, 0::pg_catalog.oid, '-', t.tgname
      FROM pg_catalog.pg_trigger t
     WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'rule', r.oid, 0, r.ev_class, 0::pg_catalog.oid, r.ev_type::pg_catalog.text, r.rulename
      FROM pg_catalog.pg_rewrite r
     WHERE r.rulename OPERATOR(pg_catalog.<>) '_RETURN'
    UNION ALL
    SELECT 'policy', p.oid, 0, p.polrelid, 0::pg_catalog.oid, p.polcmd::pg_catalog.text, p.polname
      FROM pg_catalog.pg_policy p
    UNION ALL
    SELECT 'default', d.oid, d.adnum, d.adrelid, 0::pg_catalog.oid, '-', ''
      FROM pg_catalog.pg_attrdef d
    UNION ALL -- the types of relations and arrays go with what they belong to
    SELECT 'type', t.oid, 0, 0::pg_catalog.oid, t.typnamespace, t.typtype::pg_catalog.text, t.typname
      FROM pg_catalog.pg_type t
     WHERE t.typtype OPERATOR(pg_catalog.=) ANY ('{b,d,e,r,m,p}'::pg_catalog."char"[])
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray OPERATOR(pg_catalog.=) t.oid)
    UNION ALL
    SELECT 'value', v.oid, 0, v.enumtypid, 0::pg_catalog.oid, '-', v.enumlabel
      FROM pg_catalog.pg_enum v
    UNION ALL
    SELECT 'routine', p.oid, 0, 0::pg_catalog.oid, p.pronamespace, p.prokind::pg_catalog.text,
           pg_catalog.format('%s(%s)', p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid))
      FROM pg_catalog.pg_proc p
     WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
    UNION ALL
    SELECT 'extension', e.oid, 0, 0::pg_catalog.oid, e.extnamespace, '-', e.extname
      FROM pg_catalog.pg_extension e
    UNION ALL
    SELECT 'server', s.oid, 0, s.srvfdw, 0::pg_catalog.oid, '-', s.srvname
      FROM pg_catalog.pg_foreign_server s
    UNION ALL
    SELECT 'event-trigger', t.oid, 0, 0::pg_catalog.oid, 0::pg_catalog.oid, '-', t.evtname
      FROM pg_catalog.pg_event_trigger t
    UNION ALL
    SELECT 'publication', p.oid, 0, 0::pg_catalog.oid, 0::pg_catalog.oid, '-', p.pubname
      FROM pg_catalog.pg_publication p
    UNION ALL
    SELECT 'statistics', s.oid, 0, s.stxrelid, s.stxnamespace, '-', s.stxname
      FROM pg_catalog.pg_statistic_ext s
  ),
  -- The schema bough and what lies in it.
  own_schema AS (
    SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) 'bough'
  ),
  own_relations AS (
    SELECT c.oid FROM pg_catalog.pg_class c JOIN own_schema s ON s.oid OPERATOR(pg_catalog.=) c.relnamespace
  )
SELECT pg_catalog.string_agg(
         pg_catalog.concat_ws(' ', o.catalog, o.oid, o.subid, o.parent, o.namespace, o.kind,
                              pg_catalog.to_json(o.name)),
         E'\n' ORDER BY o.catalog COLLATE pg_catalog."C", o.oid, o.subid) AS lines,
       pg_catalog.count(*) AS objects
  FROM objects o
 WHERE (o.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid)
   AND NOT EXISTS (SELECT FROM own_schema s
                    WHERE s.oid OPERATOR(pg_catalog.=) o.namespace OR s.oid OPERATOR(pg_catalog.=) o.oid)
   AND NOT EXISTS (SELECT FROM own_relations r
                    WHERE r.oid OPERATOR(pg_catalog.=) o.parent OR r.oid OPERATOR(pg_catalog.=) o.oid);
