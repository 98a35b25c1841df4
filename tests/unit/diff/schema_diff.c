/* Writes the migration from one database to another: what `bough diff --format sql` does with two
 * branches, for any two databases. The oracle (tests/integration/410-diff-oracle.sh) runs it.
 *   schema-diff [--concurrently] CONNINFO-BEFORE CONNINFO-AFTER
 * Prints nothing where nothing differs. */
#include "diff/read.h"
#include "diff/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_database(const char *conninfo, Schema **ret, Error *err) {
  enum { TIMEOUT_MS = 60000 };
  AUTO(conn_free) Conn *conn = NULL;
  AUTO(str_free)
  char *full = str_format("%s options='-c search_path=pg_catalog,pg_temp'", conninfo);
  return conn_open_string(full, TIMEOUT_MS, &conn, err) &&
         schema_read(conn, SCHEMA_READ_DEPENDENCIES, ret, err);
}

int main(int argc, char **argv) {
  bool is_concurrent = argc == 4 && strcmp(argv[1], "--concurrently") == 0;
  if (argc != 3 && !is_concurrent) {
    (void)fputs("usage: schema-diff [--concurrently] CONNINFO-BEFORE CONNINFO-AFTER\n", stderr);
    return EXIT_FAILURE;
  }
  Error err = ERROR_INIT;
  AUTO(schema_free) Schema *before = NULL;
  AUTO(schema_free) Schema *after = NULL;
  if (!read_database(argv[argc - 2], &before, &err) ||
      !read_database(argv[argc - 1], &after, &err)) {
    (void)fprintf(stderr, "%s\n", err.message);
    return EXIT_FAILURE;
  }
  AUTO(diff_free) Diff *diff = diff_compare(before, after, NULL);
  AUTO(diff_sql_free)
  DiffSql *sql = diff_sql_new(diff, NULL, is_concurrent ? DIFF_SQL_CONCURRENTLY : 0);
  AUTO(str_free) char *text = diff_sql_text(sql);
  return fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
