/* lakebase.schedules: what the policy in force has done again and again, and how that went. Times
 * are microseconds since 1970, 0 for none. */
#pragma once

#include "catalog/catalog.h"

typedef struct ScheduleRow {
  char project[ID_SIZE];
  char tier[NAME_MAX_LENGTH + 1];
  char expression[257];
  char zone[64];
  int64_t handled_at; /* everything due until then has been run, or came before the schedule */
  int64_t started_at;
  int64_t finished_at;
  char operation[ID_SIZE];
  char outcome[16]; /* "" before the first run; "running", "done", "failed" */
  char error[512];
} ScheduleRow;

/* project NULL: of all. By project and tier; *ret is freed with mem_free. */
CHECKED bool schedule_list(Catalog *catalog, const char *project, ScheduleRow **ret,
                           size_t *ret_count, Error *err);
CHECKED bool schedule_get(Catalog *catalog, const char *project, const char *tier, ScheduleRow *ret,
                          bool *ret_found, Error *err);

/* Makes the project's schedules those: [{"tier","expression","zone"}]. One that is new, or has
 * other times now, counts from now on; the others keep what they know. */
CHECKED bool schedule_sync(Catalog *catalog, const char *project, const json_t *wanted, int64_t now,
                           Error *err);

CHECKED bool schedule_set_started(Catalog *catalog, const char *project, const char *tier,
                                  Error *err);
/* How a run ended; what was due until handled_at is behind it. failure NULL: well. */
CHECKED bool schedule_set_finished(Catalog *catalog, const char *project, const char *tier,
                                   int64_t handled_at, const char *operation, const Error *failure,
                                   Error *err);
