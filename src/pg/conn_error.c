/* What the server says when something fails, as an Error. */
#include "pg/libpq.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* libpq breaks and indents its messages; a line of a log has neither. */
static void squeeze_whitespace(char *text) {
  char *to = text;
  for (const char *from = text; *from != '\0'; from++) {
    bool space = *from == ' ' || *from == '\n' || *from == '\t' || *from == '\r';
    if (!space)
      *to++ = *from;
    else if (to > text && to[-1] != ' ')
      *to++ = ' ';
  }
  *to = '\0';
}

static char *squeezed(const char *text) {
  char *copy = str_dup(text != NULL ? text : "");
  squeeze_whitespace(copy);
  return copy;
}

static bool set_server_error(Error *err, ErrorCode code, const char *message, const char *detail,
                             const char *hint, const char *sqlstate) {
  AUTO(str_free) char *clean_message = squeezed(message);
  AUTO(str_free) char *clean_detail = squeezed(detail);
  AUTO(str_free) char *clean_hint = squeezed(hint);
  (void)error_set(err, code, "%.700s%s%.250s%s%s%s", clean_message,
                  clean_detail[0] != '\0' ? ": " : "", clean_detail,
                  sqlstate[0] != '\0' ? " (SQLSTATE " : "", sqlstate,
                  sqlstate[0] != '\0' ? ")" : "");
  return clean_hint[0] != '\0' ? error_hint(err, "%s", clean_hint) : false;
}

/* A failed connection attempt has no PGresult: with PQERRORS_VERBOSE the SQLSTATE stands in the
 * text as "FATAL:  57P03: ", in whatever language. Moves it from there to ret; the last attempt
 * counts. */
static void take_sqlstate(char *text, char ret[SQLSTATE_SIZE]) {
  static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (char *at = strstr(text, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
    char *state = at + 3;
    if (strspn(state, allowed) != SQLSTATE_SIZE - 1 || strncmp(state + 5, ": ", 2) != 0)
      continue;
    (void)snprintf(ret, SQLSTATE_SIZE, "%s", state);
    memmove(state, state + 7, strlen(state + 7) + 1);
  }
}

/* The other thing that PQERRORS_VERBOSE adds: the server's source line. */
static void drop_location(char *text) {
  char *location = strstr(text, "\nLOCATION:");
  if (location != NULL)
    *location = '\0';
}

/* No socket yet, nobody behind it yet, one whose mode postgres hasn't set yet (it binds first, then
 * calls chmod), or somebody who says so. */
static bool is_starting(const char *text, const char *sqlstate) {
  static const int errors[] = {ENOENT, ECONNREFUSED, EACCES};
  bool is_local = false;
  for (size_t at = 0; at < ARRAY_LENGTH(errors); at++)
    is_local = is_local || strstr(text, strerror(errors[at])) != NULL;
  return str_equal(sqlstate, "57P03") || (sqlstate[0] == '\0' && is_local);
}

/* libpq's own advice stands in an indented line of its own. Cuts text there. */
static const char *split_advice(char *text) {
  char *advice = strstr(text, "\n\t");
  if (advice == NULL)
    return "";
  *advice = '\0';
  return advice + 1;
}

bool conn_fail(PGconn *pg, Error *err) {
  AUTO(str_free) char *text = str_dup(PQerrorMessage(pg));
  char sqlstate[SQLSTATE_SIZE] = "";
  take_sqlstate(text, sqlstate);
  drop_location(text);
  ErrorCode code = is_starting(text, sqlstate) ? ERROR_STARTING : ERROR_SQL;
  const char *advice = split_advice(text);
  return set_server_error(err, code, text, NULL, advice, sqlstate);
}

static const char *field(const PGresult *result, int code) {
  const char *text = PQresultErrorField(result, code);
  return text != NULL ? text : "";
}

bool conn_fail_statement(Conn *conn, const PGresult *result, Error *err) {
  (void)snprintf(conn->sqlstate, sizeof conn->sqlstate, "%s", field(result, PG_DIAG_SQLSTATE));
  (void)snprintf(conn->constraint, sizeof conn->constraint, "%s",
                 field(result, PG_DIAG_CONSTRAINT_NAME));
  if (conn->sqlstate[0] == '\0') /* the connection broke, or libpq itself refused */
    return conn_fail(conn->pg, err);
  return set_server_error(err, ERROR_SQL, field(result, PG_DIAG_MESSAGE_PRIMARY),
                          field(result, PG_DIAG_MESSAGE_DETAIL),
                          field(result, PG_DIAG_MESSAGE_HINT), conn->sqlstate);
}
