/* Opens the platform's superuser sessions, with every setting that they rely on in the startup
 * packet. */
#include "pg/platform.h"

#include "core/clock.h"

enum {
  RETRY_MS = 3,         /* a server that is starting is asked again this often */
  LEAST_ATTEMPT_MS = 50 /* the last attempt gets this much, however little time is left */
};

/* A setting of the startup packet outranks postgresql.conf, ALTER DATABASE SET and ALTER ROLE SET.
 * What is listed here decides what a statement means, whether it may run, or whether the connection
 * can be opened at all; what only decides how fast a statement is isn't. */
typedef struct PlatformSetting {
  const char *name;
  const char *value;
  const char *reason;
} PlatformSetting;

static const PlatformSetting settings[] = {
    /* whose code runs */
    {"search_path", "pg_catalog,pg_temp", "no name resolves to a stranger's object"},
    {"session_replication_role", "replica", "plain triggers, rules and event triggers stay silent"},
    {"session_preload_libraries", "", "no library that the database names is loaded"},
    {"local_preload_libraries", "", "the same, from $libdir/plugins"},
    {"role", "none", "ALTER DATABASE SET role would take superuser away"},
    {"session_authorization", PLATFORM_ROLE, "the same by its other name"},
    {"row_security", "off", "a policy is an error rather than rows that are silently missing"},
    {"jit", "off", "short statements; no library of a compiler in the session"},
    {"max_parallel_workers_per_gather", "0", "short statements; workers load libraries, too"},
    {"check_function_bodies", "off", "creating a function doesn't parse a stranger's text"},
    {"dynamic_library_path", "$libdir", "C functions come from where they belong"},
    {"allow_system_table_mods", "off", "a slip can't alter the system catalogs"},
    /* whether a statement may run, and how long */
    {"default_transaction_read_only", "off", "these sessions write"},
    {"default_transaction_isolation", "read committed", "what the statements are written for"},
    {"default_transaction_deferrable", "off", "the same"},
    {"statement_timeout", "300s", "nothing here takes minutes; a hanging one gives up"},
    {"lock_timeout", "30s", "a user's lock is waited for so long"},
    {"idle_in_transaction_session_timeout", "0", "the server doesn't close a session in use"},
    {"idle_session_timeout", "0", "sessions are kept between requests"},
    {"temp_file_limit", "-1", "0 would fail whatever sorts or materializes"},
    {"max_stack_depth", "2MB", "a small one would fail nested expressions"},
    {"commit_delay", "0", "a commit isn't made to wait for others"},
    {"exit_on_error", "off", "a failed statement leaves the session"},
    {"synchronous_commit", "on", "a commit here is on disk when it returns"},
    {"zero_damaged_pages", "off", "damage is reported, never papered over"},
    {"ignore_checksum_failure", "off", "the same"},
    /* what a statement means */
    {"standard_conforming_strings", "on", "a backslash in a literal is a backslash"},
    {"escape_string_warning", "off", "no notices about E''"},
    {"backslash_quote", "safe_encoding", "\\' never ends a literal where it could deceive"},
    {"quote_all_identifiers", "off", "texts made by the server compare equal between branches"},
    {"transform_null_equals", "off", "x = NULL stays unknown"},
    {"array_nulls", "on", "NULL in an array literal is a null"},
    {"default_tablespace", "", "what is created lands in the data directory"},
    {"temp_tablespaces", "", "the same for temporary files"},
    {"password_encryption", "scram-sha-256", "no md5 password is made"},
    {"lo_compat_privileges", "off", "large objects keep their privileges"},
    {"default_table_access_method", "heap", "the same storage whatever the database prefers"},
    /* how values are written */
    {"DateStyle", "ISO, YMD", "times are read by programs"},
    {"IntervalStyle", "postgres", "the same"},
    {"TimeZone", "UTC", "the same"},
    {"bytea_output", "hex", "the same"},
    {"extra_float_digits", "1", "floats come back exactly"},
    {"lc_messages", "C", "messages are matched nowhere, but read in one language"},
    {"lc_monetary", "C", "money as text is the same everywhere"},
    {"lc_numeric", "C", "to_char is the same everywhere"},
    {"lc_time", "C", "the same"},
    /* what is told to whom */
    {"client_min_messages", "error", "notices of strangers go nowhere"},
    {"log_min_messages", "warning", "at debug levels the log holds statements"},
    {"debug_print_parse", "off", "parse trees hold literals"},
    {"debug_print_rewritten", "off", "the same"},
    {"debug_print_plan", "off", "the same"},
    {"log_statement", "none", "statements that carry secrets stay out of the server's log"},
    {"log_min_duration_statement", "-1", "the same"},
    {"log_min_error_statement", "panic", "the same when they fail"},
    {"log_parameter_max_length_on_error", "0", "the same for their parameters"},
};

/* Appends "-c name=value " as the server takes it apart: blanks separate, a backslash escapes. */
static void add_setting(Buffer *options, const PlatformSetting *setting) {
  buffer_add_format(options, "-c %s=", setting->name);
  for (const char *c = setting->value; *c != '\0'; c++) {
    if (*c == ' ' || *c == '\\')
      buffer_add_text(options, "\\");
    buffer_add(options, c, 1);
  }
  buffer_add_text(options, " ");
}

static void add_settings(Buffer *options) {
  for (size_t at = 0; at < ARRAY_LENGTH(settings); at++)
    add_setting(options, &settings[at]);
}

/* Tries until the server answers, says no, or the deadline has passed. */
static bool open_until(const ConnOption *options, int64_t deadline, Conn **ret, Error *err) {
  for (;;) {
    int64_t rest = deadline - clock_monotonic_ms();
    int attempt_ms = rest > LEAST_ATTEMPT_MS ? (int)rest : LEAST_ATTEMPT_MS;
    if (conn_open(options, attempt_ms, ret, err))
      return true;
    if (!conn_error_is_starting(err) || rest <= RETRY_MS)
      return false;
    clock_sleep_ms(RETRY_MS);
  }
}

/* Names in a database of encoding SQL_ASCII may be any bytes. The server would refuse to send those
 * that are no UTF-8 to a client that asks for it, and nothing there could be cleaned. */
static bool take_any_bytes(Conn *conn, Error *err) {
  return !str_equal(conn_server_encoding(conn), "SQL_ASCII") ||
         conn_exec(conn, "SET client_encoding = SQL_ASCII", NULL, err);
}

bool platform_open(const char *socket_directory, const char *database, int timeout_ms, Conn **ret,
                   Error *err) {
  AUTO_RELEASE(buffer_release) Buffer packet = {0};
  add_settings(&packet);
  AUTO(str_free) char *port = str_format("%d", PLATFORM_PORT);
  const ConnOption options[] = {
      {"host", socket_directory},
      {"port", port},
      {"dbname", database},
      {"user", PLATFORM_ROLE},
      {"application_name", "bough"},
      {"options", packet.text},
      {"sslmode",
       "disable"}, /* a unix socket has none, and no file of the home directory is read */
      {"gssencmode", "disable"}, /* the same */
      {NULL},
  };
  Error failure = ERROR_INIT;
  AUTO(conn_free) Conn *conn = NULL;
  if (open_until(options, clock_monotonic_ms() + timeout_ms, &conn, &failure) &&
      take_any_bytes(conn, &failure)) {
    *ret = STEAL(conn);
    return true;
  }
  if (!conn_error_is_starting(&failure) && failure.code != ERROR_TIMEOUT) {
    if (err != NULL)
      *err = failure;
    return false;
  }
  return error_set(err, ERROR_COMPUTE_TIMEOUT, "postgres did not answer within %d ms: %s",
                   timeout_ms, failure.message);
}
