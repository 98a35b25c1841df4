-- Event triggers.
SELECT e.oid, 0 AS subid, 0 AS position, 0 AS parent, '' AS schema, e.evtname AS name, '' AS signature,
       pg_get_userbyid(e.evtowner) AS owner, NULL AS grants, NULL AS definition, e.evtevent AS event,
       (SELECT string_agg(quote_literal(tag), ', ' ORDER BY tag) FROM unnest(e.evttags) tag) AS tags,
       e.evtfoid::regproc AS function, e.evtenabled AS enabled
  FROM pg_event_trigger e
 WHERE e.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_event_trigger'::regclass AND m.objid = e.oid
                   AND m.deptype = 'e')
