-- Publications with what they publish.
SELECT p.oid, 0 AS subid, 0 AS position, 0 AS parent, '' AS schema, p.pubname AS name, '' AS signature,
       pg_get_userbyid(p.pubowner) AS owner, NULL AS grants, NULL AS definition, p.puballtables AS all_tables,
       concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                 CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END) AS publish,
       p.pubviaroot AS via_root,
       (SELECT string_agg(format('%s%s%s', r.prrelid::regclass,
                 (SELECT format(' (%s)', string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum))
                    FROM pg_attribute a
                   WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs::int2[]) HAVING count(*) > 0),
                 ' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')'), E'\n' ORDER BY r.prrelid::regclass::text)
          FROM pg_publication_rel r WHERE r.prpubid = p.oid) AS tables,
       (SELECT string_agg(quote_ident(n.nspname), ', ' ORDER BY n.nspname)
          FROM pg_publication_namespace s JOIN pg_namespace n ON n.oid = s.pnnspid WHERE s.pnpubid = p.oid) AS schemas
  FROM pg_publication p
 WHERE p.oid >= 16384
