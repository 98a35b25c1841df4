-- The ledger of a database: what was applied to it, in the order in which it was. The platform writes,
-- everybody reads; a branch inherits it with the rest of the database.
CREATE SCHEMA bough AUTHORIZATION bough_platform;
REVOKE ALL ON SCHEMA bough FROM PUBLIC;
GRANT USAGE ON SCHEMA bough TO PUBLIC;
COMMENT ON SCHEMA bough IS 'Bough''s own: migrations that were applied here';

CREATE TABLE bough.migrations (
  entry pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  action pg_catalog.text NOT NULL,
  layout pg_catalog.text NOT NULL,
  version pg_catalog.text NOT NULL,
  name pg_catalog.text NOT NULL,
  repeatable pg_catalog.bool NOT NULL,
  checksum pg_catalog.text NOT NULL,
  undo pg_catalog.text,
  undo_alone pg_catalog.bool NOT NULL,
  state pg_catalog.text NOT NULL,
  statements pg_catalog.int4 NOT NULL,
  done pg_catalog.int4 NOT NULL DEFAULT 0,
  progress pg_catalog.text,
  xid pg_catalog.xid8,
  backend pg_catalog.int4,
  backend_start pg_catalog.timestamptz,
  branch pg_catalog.text NOT NULL,
  author pg_catalog.text NOT NULL,
  on_behalf_of pg_catalog.text,
  started_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  duration_ms pg_catalog.int8,
  error pg_catalog.text,
  schema_digest pg_catalog.text,
  up pg_catalog.text,
  up_alone pg_catalog.bool NOT NULL
);
COMMENT ON COLUMN bough.migrations.up IS 'what was run: a tier that is built anew from its parent gets it again';
COMMENT ON COLUMN bough.migrations.action IS 'apply, rollback, or baseline: taken as applied without being run';
COMMENT ON COLUMN bough.migrations.state IS 'running, done, failed (it left nothing), stopped (between two statements)';
COMMENT ON COLUMN bough.migrations.done IS 'statements of a migration without a transaction that are behind it';
COMMENT ON COLUMN bough.migrations.progress IS 'checksums of its statements, in their order';
COMMENT ON COLUMN bough.migrations.xid IS 'transaction whose commit decides whether it is applied';
COMMENT ON COLUMN bough.migrations.schema_digest IS 'of the schema that it left, where it was the last of its run';
REVOKE ALL ON bough.migrations FROM PUBLIC;
GRANT SELECT ON bough.migrations TO PUBLIC;
