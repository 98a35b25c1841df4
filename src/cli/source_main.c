/* bough-source: reads a connection string on stdin, connects, and answers one JSON object on
 * stdout. */
#include "cli/output.h"
#include "cli/source.h"
#include "core/io.h"

enum { CONNINFO_LIMIT = 8 * 1024 };

static bool run(json_t **ret, Error *err) {
  AUTO(str_free) char *conninfo = NULL;
  return io_read_file("/dev/stdin", CONNINFO_LIMIT, &conninfo, NULL, err) &&
         source_resolve(conninfo, ret, err);
}

int main(void) {
  Output output = {.is_json = true};
  Error err = ERROR_INIT;
  AUTO(json_free) json_t *result = NULL;
  if (!run(&result, &err)) {
    output_error(&output, &err);
    return error_info(err.code)->exit_status;
  }
  output_result(result);
  return 0;
}
