/* Holds sessions open, idle, until it is ended: bench-sessions EACH ALL
 * Reads connection strings from stdin, a line each, opens EACH sessions on every one until there
 * are ALL, and then prints how many stand. */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LINE_LIMIT = 4096 };

static bool open_one(const char *conninfo) {
  PGconn *session = PQconnectdb(conninfo);
  bool ok = PQstatus(session) == CONNECTION_OK;
  if (!ok)
    (void)fprintf(stderr, "%s", PQerrorMessage(session));
  return ok; /* it stays open: that is what this program is for */
}

static void allow_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
  }
}

int main(int argc, char **argv) {
  char line[LINE_LIMIT];
  int count = 0;
  if (argc != 3) {
    (void)fprintf(stderr, "usage: bench-sessions EACH ALL <CONNECTION-STRINGS\n");
    return 1;
  }
  int each = atoi(argv[1]);
  int all = atoi(argv[2]);
  allow_descriptors();
  while (count < all && fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    for (int at = 0; at < each && count < all; at++)
      count += open_one(line);
  }
  (void)printf("%d\n", count);
  (void)fflush(stdout);
  for (;;)
    (void)pause();
}
