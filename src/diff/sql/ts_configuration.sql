-- Text search configurations with their mappings.
SELECT c.oid, 0 AS subid, 0 AS position, 0 AS parent, n.nspname AS schema, c.cfgname AS name, '' AS signature,
       pg_get_userbyid(c.cfgowner) AS owner, NULL AS grants, NULL AS definition,
       (SELECT format('%I.%I', k.nspname, p.prsname) FROM pg_ts_parser p JOIN pg_namespace k ON k.oid = p.prsnamespace
         WHERE p.oid = c.cfgparser) AS parser,
       (SELECT string_agg(format('%I: %s', token, dictionaries), E'\n' ORDER BY token)
          FROM (SELECT y.alias, string_agg(format('%I.%I', k.nspname, d.dictname), ', ' ORDER BY m.mapseqno)
                  FROM pg_ts_config_map m JOIN pg_ts_dict d ON d.oid = m.mapdict
                       JOIN pg_namespace k ON k.oid = d.dictnamespace
                       JOIN ts_token_type(c.cfgparser) y ON y.tokid = m.maptokentype
                 WHERE m.mapcfg = c.oid GROUP BY y.alias) lines (token, dictionaries)) AS mappings
  FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace
 WHERE c.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = 'pg_ts_config'::regclass AND m.objid = c.oid
                   AND m.deptype = 'e')
