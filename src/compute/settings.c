/* Which settings a compute has: tables, and what depends on its size and on its source. */
#include "compute/settings.h"

#include "compute/conf.h"
#include "core/io.h"
#include "core/str.h"

#include <stdio.h>
#include <string.h>

enum {
  WORKERS_LEAST = 8, /* PostgreSQL's defaults for what pg_control has floors for */
  SENDERS_LEAST = 10,
  LOCKS_LEAST = 64,
  SEGMENTS_LEAST = 2,
  MAX_WAL_MB = 1024,
  MIN_WAL_MB = 64,
  MEGABYTE = 1024 * 1024,
};

static char *at_least(int value, int floor) {
  return str_format("%d", value > floor ? value : floor);
}

static char *config_file(const ComputeSpec *spec, const Control *control) {
  return path_join(spec->directory, CONF_SETTINGS);
}

static char *hba_file(const ComputeSpec *spec, const Control *control) {
  return path_join(spec->directory, CONF_HBA);
}

static char *ident_file(const ComputeSpec *spec, const Control *control) {
  return path_join(spec->directory, CONF_IDENT);
}

/* A list for PostgreSQL: in quotes, a comma or a space in the path doesn't part it. */
static char *socket_directory(const ComputeSpec *spec, const Control *control) {
  Buffer list = {0};
  sql_add_identifier(&list, spec->socket_directory);
  return buffer_steal(&list);
}

static char *wal_level(const ComputeSpec *spec, const Control *control) {
  return str_dup(control->wal_level >= 2 ? "logical" : "replica");
}

static char *max_connections(const ComputeSpec *spec, const Control *control) {
  return at_least(spec->size->max_connections, control->max_connections);
}

static char *max_worker_processes(const ComputeSpec *spec, const Control *control) {
  return at_least(WORKERS_LEAST, control->max_worker_processes);
}

static char *max_wal_senders(const ComputeSpec *spec, const Control *control) {
  return at_least(SENDERS_LEAST, control->max_wal_senders);
}

static char *max_prepared_transactions(const ComputeSpec *spec, const Control *control) {
  return at_least(0, control->max_prepared_transactions);
}

static char *max_locks_per_transaction(const ComputeSpec *spec, const Control *control) {
  return at_least(LOCKS_LEAST, control->max_locks_per_transaction);
}

bool settings_audited(const ComputeSpec *spec) {
  return spec->audit != NULL && spec->audit[0] != '\0' && !spec->first_start;
}

static char *preload_libraries(const ComputeSpec *spec, const Control *control) {
  const char *given = spec->preload != NULL && !spec->first_start ? spec->preload : "";
  if (!settings_audited(spec) || strstr(given, "pgaudit") != NULL)
    return str_dup(given);
  return str_format("pgaudit%s%s", given[0] != '\0' ? "," : "", given);
}

static char *audit_classes(const ComputeSpec *spec, const Control *control) {
  return str_dup(spec->audit);
}

/* PostgreSQL's default, and none before the branch is clean: a copied subscription would consume
 * what its original waits for. */
static char *logical_workers(const ComputeSpec *spec, const Control *control) {
  return str_dup(spec->first_start ? "0" : "4");
}

/* With autovacuum off a table this old would still be vacuumed, which runs its owner's functions.
 */
static char *freeze_max_age(const ComputeSpec *spec, const Control *control) {
  return str_dup(spec->first_start ? "2000000000" : "200000000");
}

/* For every server process, a lone one too. */
static const Setting safe_settings[] = {
    {"fsync", "on", NULL, "rule 5 of a correct branch"},
    {"full_page_writes", "on", NULL, "rule 5"},
    {"wal_level", NULL, wal_level, "rule 5"},
    {"max_connections", NULL, max_connections, "recovery needs the source's"},
    {"max_worker_processes", NULL, max_worker_processes, "likewise"},
    {"max_wal_senders", NULL, max_wal_senders, "likewise"},
    {"max_prepared_transactions", NULL, max_prepared_transactions, "likewise"},
    {"max_locks_per_transaction", NULL, max_locks_per_transaction, "likewise"},
    {"zero_damaged_pages", "off", NULL, "damage is told, not hidden"},
    {"ignore_checksum_failure", "off", NULL, "likewise"},
    {"archive_mode", "off", NULL, "a copy writes to nobody's archive"},
    {"restore_command", "", NULL, "nor reads it"},
    {"primary_conninfo", "", NULL, "nor follows its source's primary"},
    {"synchronous_standby_names", "", NULL, "nor waits for its standbys"},
    {"shared_memory_type", "mmap", NULL, "memory that only its own processes can reach"},
    {"dynamic_shared_memory_type", "mmap", NULL,
     "files in the data directory, which Landlock guards: all computes share one account, and with "
     "it "
     "each other's SysV segments and files in /dev/shm. min_dynamic_shared_memory keeps most of it "
     "in "
     "the shared memory above, and nothing is left in /dev/shm by a kill"},
    {"session_preload_libraries", "", NULL, "a library is the platform's decision"},
    {"local_preload_libraries", "", NULL, "likewise"},
    {"dynamic_library_path", "$libdir", NULL, "and comes from the installation"},
    {"jit_provider", "llvmjit", NULL, "likewise"},
};

static const Setting fixed_settings[] = {
    {"config_file", NULL, config_file, "the cluster's own is its source's"},
    {"hba_file", NULL, hba_file, "likewise"},
    {"ident_file", NULL, ident_file, "likewise"},
    {"listen_addresses", "", NULL, "reached through its socket only"},
    {"port", "5432", NULL, "part of the socket's name"},
    {"unix_socket_directories", NULL, socket_directory, "named by the endpoint, short"},
    {"unix_socket_permissions", "0770", NULL,
     "the directory's group: the control account is in it"},
    {"unix_socket_group", "", NULL, "its account's own"},
    {"ssl", "off", NULL, "the proxy speaks TLS; a source's keys are removed"},
    {"logging_collector", "off", NULL, "stderr is the log file, opened before the confinement"},
    {"log_destination", "stderr", NULL, "likewise"},
    {"shared_preload_libraries", NULL, preload_libraries, "none before the branch is clean"},
    {"max_logical_replication_workers", NULL, logical_workers, "none before the branch is clean"},
    {"autovacuum_freeze_max_age", NULL, freeze_max_age, "see the function"},
};

/* The server's own collector writes its log, so that no line is lost when it is read: whole files
 * are removed, none is emptied under a writer. */
static const Setting audit_settings[] = {
    {"pgaudit.log", NULL, audit_classes, "as the tier's policy has it"},
    {"pgaudit.log_catalog", "off", NULL, "clients look at the catalog all the time"},
    {"pgaudit.log_client", "off", NULL, "for the log alone"},
    {"pgaudit.log_level", "log", NULL, "past log_min_messages, in any case"},
    {"pgaudit.log_parameter", "off", NULL, "values are nobody's business here"},
    {"pgaudit.log_statement_once", "off", NULL, "each line stands for itself"},
    {"logging_collector", "on", NULL, "see above"},
    {"log_destination", "jsonlog", NULL, "what is read by a program"},
    {"log_directory", "log", NULL, "in the data directory, which it may write to; forks lose it"},
    {"log_filename", "audit-%Y%m%d%H%M%S.log", NULL, "in the order of their names"},
    {"log_file_mode", "0600", NULL, "statements may hold secrets"},
    {"log_rotation_size", "8MB", NULL, "so that what was read can go"},
    {"log_rotation_age", "1h", NULL, "likewise"},
    {"log_truncate_on_rotation", "off", NULL, "what wasn't read yet stays"},
    {"log_min_messages", "warning", NULL, "what the log is for, beside this"},
};

static const Setting single_settings[] = {
    {"config_file", "/dev/null", NULL, "the cluster's own is its source's"},
    {"shared_preload_libraries", "", NULL, "no strangers' code"},
    {"shared_buffers", "16MB", NULL, "a few statements"},
    {"lc_messages", "C", NULL, "severities are looked for in English"},
    {"log_min_error_statement", "panic", NULL, "statements may hold secrets"},
    {"log_destination", "stderr", NULL, "captured"},
    {"exit_on_error", "on", NULL, "nothing after the first failure"},
};

static char *shared_buffers(const ComputeSpec *spec, const Control *control) {
  return str_format("%dMB", spec->size->shared_buffers_mb);
}

static char *work_mem(const ComputeSpec *spec, const Control *control) {
  return str_format("%dMB", spec->size->work_mem_mb);
}

static char *maintenance_work_mem(const ComputeSpec *spec, const Control *control) {
  return str_format("%dMB", spec->size->maintenance_work_mem_mb);
}

static char *effective_cache_size(const ComputeSpec *spec, const Control *control) {
  return str_format("%dMB", spec->size->effective_cache_size_mb);
}

static char *temp_file_limit(const ComputeSpec *spec, const Control *control) {
  return str_format("%dMB", spec->size->temp_file_limit_mb);
}

/* PostgreSQL refuses less than two segments, and a source may have large ones. */
static char *wal_size(int megabytes, const Control *control) {
  int floor = (int)(control->wal_segment_size / MEGABYTE) * SEGMENTS_LEAST;
  return str_format("%dMB", megabytes > floor ? megabytes : floor);
}

static char *max_wal_size(const ComputeSpec *spec, const Control *control) {
  return wal_size(MAX_WAL_MB, control);
}

static char *min_wal_size(const ComputeSpec *spec, const Control *control) {
  return wal_size(MIN_WAL_MB, control);
}

static char *autovacuum(const ComputeSpec *spec, const Control *control) {
  return str_dup(spec->first_start ? "off" : "on");
}

static char *cluster_name(const ComputeSpec *spec, const Control *control) {
  const char *slash = strrchr(spec->directory, '/');
  return str_dup(slash != NULL ? slash + 1 : spec->directory);
}

static const Setting tuned_settings[] = {
    {"shared_buffers", NULL, shared_buffers, "size class"},
    {"work_mem", NULL, work_mem, "size class"},
    {"maintenance_work_mem", NULL, maintenance_work_mem, "size class"},
    {"effective_cache_size", NULL, effective_cache_size, "size class"},
    {"temp_file_limit", NULL, temp_file_limit, "size class: one query can't eat the pool"},
    {"min_dynamic_shared_memory", "16MB", NULL, "parallel queries need no file; touched when used"},
    {"huge_pages", "off", NULL, "shared by many small computes, they would be taken by the first"},
    {"jit", "off", NULL, "loads 100 MB of compiler into a backend"},
    {"max_wal_size", NULL, max_wal_size, "PostgreSQL's default"},
    {"min_wal_size", NULL, min_wal_size, "idle branches keep little"},
    {"checkpoint_timeout", "2min", NULL,
     "a fork copies and replays the log since the last checkpoint, so it comes sooner than the "
     "default's 5 minutes; much sooner would write too many full pages. An idle server skips it"},
    {"autovacuum", NULL, autovacuum,
     "off until the branch is clean: it runs functions of table owners (expression indexes). Here "
     "rather than an argument, so that compute_configure turns it on without a restart"},
    {"autovacuum_max_workers", "2", NULL, "there are many computes"},
    {"cluster_name", NULL, cluster_name, "seen in ps"},
    {"log_line_prefix", "%m [%p] %q%u@%d ", NULL, "when and who"},
    {"log_timezone", "UTC", NULL, "as all of Bough's logs"},
    {"timezone", "UTC", NULL, "as initdb would set it here"},
    {"lc_messages", "C", NULL, "logs in one language"},
    {"default_text_search_config", "pg_catalog.english", NULL, "as initdb would set it"},
};

#define TABLE(array)                                                                               \
  { array, ARRAY_LENGTH(array) }

const SettingTable settings_safe = TABLE(safe_settings);
const SettingTable settings_fixed = TABLE(fixed_settings);
const SettingTable settings_audit = TABLE(audit_settings);
const SettingTable settings_single = TABLE(single_settings);
const SettingTable settings_tuned = TABLE(tuned_settings);

char *setting_value(const Setting *setting, const ComputeSpec *spec, const Control *control) {
  return setting->value != NULL ? str_dup(setting->value) : setting->make(spec, control);
}

bool settings_have(SettingTable table, const char *name) {
  for (size_t at = 0; at < table.count; at++)
    if (strcasecmp(table.rows[at].name, name) == 0)
      return true;
  return false;
}
