/* What a snapshot of a data directory must lose before it is anybody's branch: phase one, files. */
#pragma once

#include "core/base.h"
#include "core/error.h"

/* Removes, from data_directory, what design section 3 lists: postmaster.pid/opts, contents of pg_replslot,
 * postgresql.auto.conf, hba and ident files, server keys, standby.signal, recovery.signal,
 * backup_label, tablespace_map, links in pg_tblspc, server logs, saved statistics (pg_stat,
 * pg_stat_tmp) and statements. A table in the .c file, one row per item with its reason. Idempotent: run
 * at create and again before the first start, since it needn't survive a power loss. */
CHECKED bool clean_files(const char *data_directory, Error *err);

/* Counts unlogged relations (their _init forks). With reset their main forks are made empty again, as
 * crash recovery would do: needed where the source was cleanly stopped and no recovery will run. */
CHECKED bool clean_unlogged(const char *data_directory, bool reset, int64_t *ret_count, Error *err);

/* Whether pg_tblspc of data_directory has links: then the source uses tablespaces. */
CHECKED bool clean_has_tablespaces(const char *data_directory, bool *ret, Error *err);
