/* The table of operations, and the rows that they leave. */
#include "branch/operation.h"

#include "branch/access.h"
#include "branch/audit.h"
#include "branch/branch.h"
#include "branch/import.h"
#include "core/process.h"
#include "core/str.h"

#include <stdio.h>
#include <unistd.h>

/* Whoever opens the ledger next asks the server what became of the migration that was running. */
static bool migration_recover(Context *context, const OperationRow *operation, Error *err) {
  Error failure = ERROR_INIT;
  (void)error_set(&failure, ERROR_CANCELLED, "interrupted: the ledger tells how far it came");
  return operation_finish(context->catalog, operation->id, &failure, err);
}

/* Of those who look for themselves, by a job of boughd's: they stand above this folder. */
static bool leave_to_job(Context *context, const OperationRow *operation, Error *err) {
  return true;
}

static const OperationKind kinds[] = {
    {"project.create", project_create_undo, "removed, as if it had never been asked for"},
    {"project.delete", project_delete_recover, "finished"},
    {"branch.create", branch_create_recover, "removed, unless it was ready already"},
    {"branch.reset", branch_reset_recover, "the new volume goes, or, once swapped in, the old one"},
    {"branch.rename", branch_rename_recover, "nothing to do: the name changes in one transaction"},
    {"branch.protect", branch_rename_recover, "nothing to do: one transaction"},
    {"endpoint.repoint", branch_repoint_recover, "the new branch goes; nothing had moved"},
    {"tier.reset", branch_repoint_recover, "the new branch goes; nothing had moved"},
    {"tier.rollback", branch_repoint_recover, "the new branch goes; nothing had moved"},
    {"promote", leave_to_job, "taken back, or finished once it touched the tier (src/scm)"},
    {"promote.undo", leave_to_job, "finished (src/scm)"},
    {"branch.expire", branch_rename_recover, "nothing to do: one transaction"},
    {"branch.retire", branch_retire_recover,
     "finished once the branch is closed, else left for later"},
    {"branch.delete", branch_delete_recover, "finished"},
    {"migration.apply", migration_recover, "nothing to do: the database's ledger tells how far"},
    {"migration.rollback", migration_recover, "the same"},
    {"migration.verify", migration_recover, "the same; the scratch branch ends by itself"},
};

const OperationKind *operation_kind(const char *name) {
  for (size_t at = 0; at < ARRAY_LENGTH(kinds); at++)
    if (str_equal(kinds[at].name, name))
      return &kinds[at];
  return NULL;
}

bool operation_begin(Context *context, const char *kind, const char *project, const char *branch,
                     json_t *params, OperationRow *ret, Error *err) {
  OperationRow row = {.state = OPERATION_RUNNING,
                      .params = params != NULL ? params : json_object(),
                      .worker_pid = (int)getpid(),
                      .worker_start = (int64_t)process_start_time(getpid())};
  id_new("op", row.id);
  (void)snprintf(row.kind, sizeof row.kind, "%s", kind);
  (void)snprintf(row.project, sizeof row.project, "%s", project);
  (void)snprintf(row.branch, sizeof row.branch, "%s", branch);
  (void)snprintf(row.created_by, sizeof row.created_by, "%s", context->caller.name);
  (void)json_object_set_new(row.params, "trail", audit_of_operation(context));
  row.policy_version = access_version(context);
  (void)snprintf(row.policy_rule, sizeof row.policy_rule, "%s", access_rule(context));
  if (!operation_insert(context->catalog, &row, err)) {
    operation_row_release(&row);
    return false;
  }
  (void)snprintf(context->trail.operation, sizeof context->trail.operation, "%s", row.id);
  *ret = row;
  return true;
}

bool operation_is_orphan(const OperationRow *row) {
  return row->worker_pid <= 0 || row->worker_start <= 0 ||
         process_start_time(row->worker_pid) != (uint64_t)row->worker_start;
}

void operation_fail(Context *context, const OperationRow *operation, const Error *failure) {
  Error ignored = ERROR_INIT;
  (void)!operation_finish(context->catalog, operation->id, failure, &ignored);
}
