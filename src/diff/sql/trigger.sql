-- Triggers, constraint triggers too.
SELECT t.oid, 0 AS subid, 0 AS position, t.tgrelid AS parent, '' AS schema, t.tgname AS name, '' AS signature,
       NULL AS owner, NULL AS grants, pg_get_triggerdef(t.oid) AS definition,
       t.tgfoid::regproc AS function, t.tgenabled AS enabled, t.tgparentid <> 0 AS inherited
  FROM pg_trigger t
 WHERE NOT t.tgisinternal AND t.oid >= 16384
