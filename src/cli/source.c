/* Finds out by libpq what the server needs to reach the source. */
#include "cli/source.h"

#include "core/str.h"
#include "pg/conn.h"

enum { CONNECT_TIMEOUT_MS = 15000 };

bool source_resolve(const char *conninfo, json_t **ret, Error *err) {
  if (conninfo_has_password(conninfo)) {
    (void)error_set(err, ERROR_PASSWORD_IN_CONNINFO, "the connection string carries a password");
    return error_hint(err,
                      "put it into ~/.pgpass or the file that PGPASSFILE names, and leave it out "
                      "of the string");
  }
  AUTO(conn_free) Conn *conn = NULL;
  Error failure = ERROR_INIT;
  if (!conn_open_string(conninfo, CONNECT_TIMEOUT_MS, &conn, &failure)) {
    bool is_usage = failure.code == ERROR_USAGE;
    (void)error_set(err, is_usage ? ERROR_USAGE : ERROR_SOURCE_UNREACHABLE, "%s", failure.message);
    return error_hint(err, "%s",
                      failure.hint[0] != '\0' ? failure.hint
                                              : "does `psql CONNINFO` connect from this machine?");
  }
  *ret = json_pack("{s:s?, s:i}", "password", conn_password(conn), "server_version",
                   conn_server_version(conn));
  return true;
}
