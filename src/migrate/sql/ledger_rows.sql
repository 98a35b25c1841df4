-- The ledger, in the order in which it was written.
SELECT m.entry, m.action, m.layout, m.version, m.name, m.repeatable, m.checksum, m.undo, m.undo_alone,
       m.state, m.statements, m.done, m.progress, m.branch, m.author,
       pg_catalog.to_char(m.started_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), m.duration_ms, m.error,
       m.schema_digest, m.up, m.up_alone
  FROM bough.migrations m
 ORDER BY m.entry
