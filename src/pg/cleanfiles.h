/* What a snapshot of a data directory must lose before it is anybody's branch: phase one, files. */
#pragma once

#include "core/base.h"
#include "core/error.h"

/* Removes from data_directory what belongs to the source alone: the table in the .c file has one
 * row per item with its reason (server files, settings, keys, slots, signals and labels of
 * recovery, links to tablespaces, logs, saved statistics and statements). No PostgreSQL setting is
 * left in there, so a server needs its config_file given. Links are removed, never followed.
 * Idempotent: run at create and again before the first start, since it needn't survive a power
 * loss. Not for a volume that still needs its backup_label. */
CHECKED bool clean_files(const char *data_directory, Error *err);

/* Counts unlogged relations (their _init forks). With reset their main forks are made empty again,
 * as crash recovery would do: needed where the source was cleanly stopped and no recovery will run.
 * In unlogged.c. */
CHECKED bool clean_unlogged(const char *data_directory, bool reset, int64_t *ret_count, Error *err);

/* Whether pg_tblspc of data_directory has links: then the source uses tablespaces. */
CHECKED bool clean_has_tablespaces(const char *data_directory, bool *ret, Error *err);
