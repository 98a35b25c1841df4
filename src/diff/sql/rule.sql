-- Rules, without those that make a view.
SELECT r.oid, 0 AS subid, 0 AS position, r.ev_class AS parent, '' AS schema, r.rulename AS name, '' AS signature,
       NULL AS owner, NULL AS grants, pg_get_ruledef(r.oid) AS definition, r.ev_enabled AS enabled
  FROM pg_rewrite r
 WHERE r.rulename <> '_RETURN' AND r.oid >= 16384
