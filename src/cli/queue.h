/* Merge queues, for the commands that put something into one and show them. */
#pragma once

#include "cli/command.h"

/* {"queue": [...]} of a project. */
CHECKED bool queue_read(Cli *cli, const char *project, json_t **ret, Error *err);
/* Waits until that entry is merged; what it was refused with is the error. TIMEOUT after limit_s:
 * it stays where it is. */
CHECKED bool queue_wait(Cli *cli, const char *project, const json_t *entry, int64_t limit_s,
                        Error *err);
/* "third of 5 in the queue of staging, tested with a, b": owned by the caller. */
char *queue_place(const json_t *entry);
