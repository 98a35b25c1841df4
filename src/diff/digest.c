/* One digest per catalog, computed by the server over what kinds' queries can see of it. */
#include "diff/digest.h"

#include "diff/present.h"

/* What is said of a row is a record's text, whose quoting tells any two apart. What most rows have
 * is left out with NULLIF: it is writing values down that takes the time. */
typedef struct Source {
  const char *catalog; /* FROM */
  const char *row;     /* NULL: all of it. What the server keeps for itself (statistics, files) is
                          left out: it changes without the schema */
  const char *order;   /* unique among the rows */
  const char *where;   /* NULL: all */
  ObjectKind kind;     /* nothing to digest where there are none; KIND_NONE: always */
} Source;

#define NEW "oid >= 16384"

static const Source sources[] = {
    {"pg_namespace", NULL, "oid", "nspname !~ '^pg_'", KIND_NONE},
    {"pg_extension", NULL, "oid", NULL, KIND_NONE},
    {"pg_language", NULL, "oid", NULL, KIND_NONE},
    {"pg_init_privs", NULL, "classoid, objoid, objsubid", "privtype = 'e' OR objoid >= 16384",
     KIND_NONE},
    {"pg_tablespace", "oid, spcname", "oid", NULL, KIND_NONE},
    {"pg_class",
     "oid, relname, relnamespace, NULLIF(reltype, 0), NULLIF(reloftype, 0), relowner, relam,"
     " NULLIF(reltablespace, 0), NULLIF(reltoastrelid, 0), relpersistence, relkind,"
     " NULLIF(relrowsecurity, false), NULLIF(relforcerowsecurity, false), relreplident,"
     " NULLIF(relispartition, false), relacl, reloptions, relpartbound",
     "oid", NEW " AND (relkind <> 't' OR reloptions IS NOT NULL)", KIND_NONE},
    {"pg_attribute",
     "attrelid, attnum, attname, atttypid, NULLIF(atttypmod, -1), NULLIF(attstattarget, -1),"
     " attstorage, NULLIF(attcompression, ''), NULLIF(attnotnull, false), NULLIF(attidentity, ''),"
     " NULLIF(attgenerated, ''), NULLIF(attisdropped, false), NULLIF(attislocal, true),"
     " NULLIF(attinhcount, 0), NULLIF(attcollation, 0), attacl, attoptions, attfdwoptions",
     "attrelid, attnum", "attrelid >= 16384 AND attnum > 0", KIND_NONE},
    {"pg_attrdef", NULL, "oid", NULL, KIND_NONE},
    {"pg_inherits", NULL, "inhrelid, inhparent", NULL, KIND_NONE},
    {"pg_partitioned_table", NULL, "partrelid", NULL, KIND_NONE},
    {"pg_sequence", NULL, "seqrelid", NULL, KIND_NONE},
    {"pg_constraint",
     "oid, conname, contype, NULLIF(condeferrable, false), NULLIF(condeferred, false),"
     " NULLIF(convalidated, true), NULLIF(conrelid, 0), NULLIF(contypid, 0), NULLIF(conindid, 0),"
     " NULLIF(conparentid, 0), NULLIF(confrelid, 0), NULLIF(confupdtype, ' '),"
     " NULLIF(confdeltype, ' '), NULLIF(confmatchtype, ' '), NULLIF(conislocal, true),"
     " NULLIF(coninhcount, 0), NULLIF(connoinherit, false), conkey, confkey, conpfeqop, conppeqop,"
     " conffeqop, confdelsetcols, conexclop, conbin, connamespace",
     "oid", NEW, KIND_NONE},
    {"pg_index",
     "indexrelid, indrelid, indnkeyatts, indisunique, NULLIF(indnullsnotdistinct, false),"
     " NULLIF(indisprimary, false), NULLIF(indisexclusion, false), NULLIF(indimmediate, true),"
     " NULLIF(indisclustered, false), NULLIF(indisvalid, true), NULLIF(indisready, true),"
     " NULLIF(indislive, true), NULLIF(indisreplident, false), indkey, indcollation, indclass,"
     " indoption, indexprs, indpred",
     "indexrelid", "indrelid >= 16384", KIND_NONE},
    /* Rows' and arrays' types first, of which there are as many as tables, then the others. */
    {"pg_type",
     "oid, typname, typnamespace, typowner, typacl, typtype, typrelid, typelem, typarray", "oid",
     NEW, KIND_NONE},
    {"pg_type", NULL, "oid", NEW " AND typtype <> 'c' AND (typarray <> 0 OR typelem = 0)",
     KIND_NONE},
    {"pg_enum", NULL, "oid", NEW, KIND_ENUM_VALUE},
    {"pg_range", NULL, "rngtypid", "rngtypid >= 16384", KIND_RANGE},
    {"pg_proc", NULL, "oid", NEW, KIND_FUNCTION},
    {"pg_aggregate", NULL, "aggfnoid", "aggfnoid >= 16384::oid", KIND_AGGREGATE},
    {"pg_operator", NULL, "oid", NEW, KIND_OPERATOR},
    {"pg_opclass", NULL, "oid", NEW, KIND_OPERATOR_CLASS},
    {"pg_opfamily", NULL, "oid", NEW, KIND_OPERATOR_FAMILY},
    {"pg_amop", NULL, "oid", NEW, KIND_NONE},
    {"pg_amproc", NULL, "oid", NEW, KIND_NONE},
    {"pg_am", NULL, "oid", NEW, KIND_ACCESS_METHOD},
    {"pg_collation", NULL, "oid", NEW, KIND_COLLATION},
    {"pg_conversion", NULL, "oid", NEW, KIND_CONVERSION},
    {"pg_cast", NULL, "oid", NEW, KIND_CAST},
    {"pg_transform", NULL, "oid", NEW, KIND_TRANSFORM},
    {"pg_ts_parser", NULL, "oid", NEW, KIND_TS_PARSER},
    {"pg_ts_template", NULL, "oid", NEW, KIND_TS_TEMPLATE},
    {"pg_ts_dict", NULL, "oid", NEW, KIND_TS_DICTIONARY},
    {"pg_ts_config", NULL, "oid", NEW, KIND_TS_CONFIGURATION},
    {"pg_ts_config_map", NULL, "mapcfg, maptokentype, mapseqno", "mapcfg >= 16384",
     KIND_TS_CONFIGURATION},
    {"pg_foreign_data_wrapper", NULL, "oid", NEW, KIND_FOREIGN_DATA_WRAPPER},
    {"pg_foreign_server", NULL, "oid", NEW, KIND_SERVER},
    {"pg_foreign_table", NULL, "ftrelid", NULL, KIND_FOREIGN_TABLE},
    {"pg_user_mappings", "umid, srvname, umuser, usename", "umid", NULL, KIND_USER_MAPPING},
    {"pg_rewrite", NULL, "oid", NEW, KIND_RULE},
    {"pg_statistic_ext", NULL, "oid", NEW, KIND_STATISTICS},
    {"pg_trigger", NULL, "oid", NEW " AND NOT tgisinternal", KIND_TRIGGER},
    {"pg_policy", NULL, "oid", NEW, KIND_POLICY},
    {"pg_event_trigger", NULL, "oid", NEW, KIND_EVENT_TRIGGER},
    {"pg_publication", NULL, "oid", NEW, KIND_PUBLICATION},
    {"pg_publication_rel", NULL, "oid", NULL, KIND_PUBLICATION},
    {"pg_publication_namespace", NULL, "oid", NULL, KIND_PUBLICATION},
    {"pg_default_acl", NULL, "oid", NEW, KIND_DEFAULT_PRIVILEGE},
    {"pg_description", NULL, "classoid, objoid, objsubid",
     "objoid >= 16384 OR classoid IN ('pg_namespace'::regclass, 'pg_extension'::regclass)",
     KIND_NONE},
    {"pg_seclabel", NULL, "classoid, objoid, objsubid, provider", NULL, KIND_NONE},
    /* What belongs to extensions; sequences of columns; what was made together with a class, a type
     * or a range. */
    {"pg_depend", NULL, "classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype",
     "deptype = 'e' OR deptype IN ('a', 'i') AND (refobjsubid > 0 AND classid = "
     "'pg_class'::regclass"
     " AND refclassid = 'pg_class'::regclass OR classid IN ('pg_cast'::regclass,"
     " 'pg_proc'::regclass, 'pg_amop'::regclass, 'pg_amproc'::regclass))",
     KIND_NONE},
    /* The names of those who own something here or were granted something. */
    {"pg_roles", "oid, rolname", "oid",
     "oid < 16384 OR oid IN (SELECT s.refobjid FROM pg_shdepend s WHERE s.refclassid ="
     " 'pg_authid'::regclass AND s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname ="
     " current_database()))",
     KIND_NONE},
};

/* The encoding is the database's own: anything else could fail. */
static void add_source(Buffer *sql, const Source *source) {
  buffer_add_format(sql,
                    "SELECT encode(sha256(convert_to(string_agg(CAST(%s%s%s AS text), '' ORDER BY"
                    " %s), getdatabaseencoding())), 'hex') FROM %s x%s%s;\n",
                    source->row == NULL ? "x" : "ROW(", source->row == NULL ? "" : source->row,
                    source->row == NULL ? "" : ")", source->order, source->catalog,
                    source->where == NULL ? "" : " WHERE ",
                    source->where == NULL ? "" : source->where);
}

/* The same rows are put into the same words by the same server only. */
static const char version_sql[] = "SELECT version();\n";

typedef struct Asked {
  const char *catalogs[ARRAY_LENGTH(sources) + 1];
  size_t count;
} Asked;

static void add_queries(Buffer *sql, const bool absent[KIND_COUNT], Asked *ret) {
  buffer_add_text(sql, version_sql);
  ret->catalogs[ret->count++] = "version";
  for (size_t at = 0; at < ARRAY_LENGTH(sources); at++) {
    if (sources[at].kind != KIND_NONE && absent[sources[at].kind])
      continue;
    add_source(sql, &sources[at]);
    ret->catalogs[ret->count++] = sources[at].catalog;
  }
  buffer_add_text(sql, "COMMIT");
}

static char *join(const Asked *asked, Rows *const *rows) {
  Buffer text = {0};
  for (size_t at = 0; at < asked->count; at++) {
    const char *digest = rows_get(rows[at], 0, 0);
    buffer_add_format(&text, "%s %s\n", asked->catalogs[at], digest != NULL ? digest : "");
  }
  return buffer_steal(&text);
}

static bool ask(Conn *conn, char **ret, Error *err) {
  bool absent[KIND_COUNT];
  Asked asked = {.count = 0};
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  if (!present_begin(conn, absent, err))
    return false;
  add_queries(&sql, absent, &asked);
  Rows *rows[ARRAY_LENGTH(sources) + 2] = {NULL};
  if (!conn_exec_each(conn, sql.text, asked.count + 1, rows, err))
    return false;
  *ret = join(&asked, rows);
  for (size_t at = 0; at <= asked.count; at++)
    rows_free(rows[at]);
  return true;
}

bool catalog_rows_digest(Conn *conn, char **ret, Error *err) {
  if (ask(conn, ret, err))
    return true;
  (void)!conn_exec(conn, "ROLLBACK", NULL, NULL); /* a connection that is gone stays gone */
  return false;
}
