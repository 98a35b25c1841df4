-- A database that lies in wait for whoever comes with more rights. A superuser laid some of the traps, as
-- one can have in a cluster that is imported; the others anybody who owns a database can lay. Each trap
-- that is sprung by a superuser leaves a row in public.owned; a test asserts that there is none.
-- Runs as a superuser in an empty database; makes the roles evil and boss.

CREATE ROLE evil LOGIN CREATEROLE CREATEDB PASSWORD 'geheim';
CREATE ROLE boss SUPERUSER LOGIN REPLICATION BYPASSRLS PASSWORD 'geheim';
GRANT pg_execute_server_program, pg_read_all_data TO evil;
GRANT evil TO boss;

CREATE TABLE public.owned (what text, who text DEFAULT current_user);
GRANT ALL ON public.owned TO PUBLIC;
CREATE FUNCTION public.trap(what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF pg_catalog.current_setting('is_superuser') OPERATOR(pg_catalog.=) 'on' THEN
    INSERT INTO public.owned (what) VALUES (trap.what);
  END IF;
  RETURN true;
END
$$;
GRANT EXECUTE ON FUNCTION public.trap(text) TO PUBLIC;
GRANT CREATE ON SCHEMA public TO PUBLIC;

-- Operators that would be found before PostgreSQL's own, were public searched first or matched better.
CREATE FUNCTION public.equal(name, name) RETURNS boolean LANGUAGE sql AS
  $$ SELECT public.trap('operator name = name') AND $1 OPERATOR(pg_catalog.=) $2 $$;
CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = name, FUNCTION = public.equal);
CREATE FUNCTION public.equal(name, text) RETURNS boolean LANGUAGE sql AS
  $$ SELECT public.trap('operator name = text') AND $1::text OPERATOR(pg_catalog.=) $2 $$;
CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.equal);
CREATE FUNCTION public.equal(oid, oid) RETURNS boolean LANGUAGE sql AS
  $$ SELECT public.trap('operator oid = oid') AND $1 OPERATOR(pg_catalog.=) $2 $$;
CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = public.equal);
CREATE FUNCTION public.equal(text, text) RETURNS boolean LANGUAGE sql AS
  $$ SELECT public.trap('operator text = text') AND $1 OPERATOR(pg_catalog.=) $2 $$;
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.equal);
CREATE FUNCTION public.differs("char", text) RETURNS boolean LANGUAGE sql AS
  $$ SELECT public.trap('operator "char" <> text') $$;
CREATE OPERATOR public.<> (LEFTARG = "char", RIGHTARG = text, FUNCTION = public.differs);

-- Functions and a cast under the names of PostgreSQL's own.
CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS
  $$ SELECT CASE WHEN public.trap('now()') THEN pg_catalog.now() END $$;
CREATE FUNCTION public.format(text, name) RETURNS text LANGUAGE sql AS
  $$ SELECT CASE WHEN public.trap('format') THEN pg_catalog.format($1, $2) END $$;
CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE sql AS
  $$ SELECT CASE WHEN public.trap('quote_ident') THEN pg_catalog.quote_ident($1::text) END $$;
CREATE TYPE public.wrapped AS (value text);
CREATE FUNCTION public.unwrap(public.wrapped) RETURNS text LANGUAGE sql AS
  $$ SELECT CASE WHEN public.trap('cast') THEN $1.value END $$;
CREATE CAST (public.wrapped AS text) WITH FUNCTION public.unwrap(public.wrapped) AS IMPLICIT;

-- Views under the names of catalogs.
CREATE VIEW public.pg_class AS SELECT public.trap('view pg_class'), c.* FROM pg_catalog.pg_class c;
CREATE VIEW public.pg_roles AS SELECT public.trap('view pg_roles'), r.* FROM pg_catalog.pg_roles r;
CREATE VIEW public.pg_authid AS SELECT public.trap('view pg_authid'), r.* FROM pg_catalog.pg_authid r;
CREATE VIEW public.pg_database AS SELECT public.trap('view pg_database'), d.* FROM pg_catalog.pg_database d;
CREATE VIEW public.pg_namespace AS
  SELECT public.trap('view pg_namespace'), n.* FROM pg_catalog.pg_namespace n;

-- A table that runs code whatever is done with it.
CREATE DOMAIN public.checked AS text CHECK (public.trap('domain'));
CREATE FUNCTION public.indexed(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN PERFORM public.trap('expression index'); RETURN $1; END $$;
CREATE TABLE public.bait (
  id integer PRIMARY KEY CHECK (public.trap('check')),
  word public.checked DEFAULT public.indexed('default'),
  made text GENERATED ALWAYS AS (public.indexed('generated')) STORED
);
CREATE INDEX bait_expression ON public.bait (public.indexed(word));
CREATE FUNCTION public.on_row() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM public.trap('trigger'); RETURN NEW; END $$;
CREATE TRIGGER bait_plain BEFORE INSERT OR UPDATE ON public.bait
  FOR EACH ROW EXECUTE FUNCTION public.on_row();
CREATE TRIGGER bait_always AFTER INSERT OR UPDATE OR DELETE ON public.bait
  FOR EACH ROW EXECUTE FUNCTION public.on_row();
ALTER TABLE public.bait ENABLE ALWAYS TRIGGER bait_always;
CREATE RULE bait_rule AS ON DELETE TO public.bait DO ALSO SELECT public.trap('rule');
ALTER TABLE public.bait ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.bait FORCE ROW LEVEL SECURITY;
CREATE POLICY bait_policy ON public.bait USING (public.trap('policy'));
INSERT INTO public.bait (id) VALUES (1), (2);
CREATE MATERIALIZED VIEW public.bait_seen AS SELECT public.trap('materialized view') AS seen;

-- Functions that run with a superuser's rights for anybody.
CREATE FUNCTION public.become() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS
  $$ BEGIN PERFORM public.trap('definer function'); END $$;
CREATE FUNCTION public.become_boss() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS
  $$ BEGIN PERFORM public.trap('definer function of boss'); END $$;
ALTER FUNCTION public.become_boss() OWNER TO boss;

-- Rights that PostgreSQL doesn't give.
GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO PUBLIC;
GRANT SELECT ON pg_catalog.pg_authid TO PUBLIC;
GRANT ALTER SYSTEM, SET ON PARAMETER archive_command TO evil;
GRANT SET ON PARAMETER log_statement TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE boss GRANT ALL ON SCHEMAS TO evil;

-- Event triggers, the last of them so that they don't fire on the rest; their function is evil's.
CREATE FUNCTION public.on_event() RETURNS event_trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM public.trap('event trigger ' OPERATOR(pg_catalog.||) tg_tag); END $$;
ALTER FUNCTION public.on_event() OWNER TO evil;
CREATE EVENT TRIGGER on_plain ON ddl_command_end EXECUTE FUNCTION public.on_event();
CREATE EVENT TRIGGER on_always ON ddl_command_end EXECUTE FUNCTION public.on_event();
CREATE EVENT TRIGGER on_replica ON ddl_command_start EXECUTE FUNCTION public.on_event();
CREATE EVENT TRIGGER on_drop ON sql_drop EXECUTE FUNCTION public.on_event();
ALTER EVENT TRIGGER on_always ENABLE ALWAYS;
ALTER EVENT TRIGGER on_replica ENABLE REPLICA;
ALTER EVENT TRIGGER on_drop ENABLE ALWAYS;

-- Settings, for the sessions to come.
ALTER ROLE ALL SET search_path = public, pg_catalog;
ALTER ROLE ALL SET session_preload_libraries = 'auto_explain';
ALTER ROLE evil SET role = boss;
ALTER ROLE evil SET log_statement = 'none';
ALTER ROLE evil SET work_mem = '8MB';
DO $$
DECLARE
  setting text;
BEGIN
  FOREACH setting IN ARRAY ARRAY[
    'search_path = public, pg_catalog', 'session_preload_libraries = ''auto_explain''',
    'local_preload_libraries = ''evil''', 'default_transaction_read_only = on', 'statement_timeout = ''30min''',
    'row_security = off', 'session_replication_role = origin', 'pgaudit.log = ''none''',
    'app.tenant = ''blue''', 'standard_conforming_strings = off', 'role = evil']
  LOOP
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET %s', pg_catalog.current_database(), setting);
  END LOOP;
END
$$;

DELETE FROM public.owned;
