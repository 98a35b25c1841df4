/* Looks for branches that end soon, and removes those whose time is over. */
#include "branch/reaper.h"

#include "branch/branch.h"
#include "branch/describe.h"
#include "branch/expiry.h"
#include "branch/reaper_clock.h"
#include "branch/webhook.h"
#include "catalog/access.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

#include <stdio.h>
#include <string.h>

#define SECOND_US 1000000LL

enum {
  WARN_LIMIT = 200,
  DUE_LIMIT = 100,
  LOOK_MS = 10 * 1000, /* then others have their turn at this worker */
  HOLD_SECONDS = 3600,
  RETRY_SECONDS = 30,
};

/* ---- the clock ---- */

static bool read_clocks(ReaperRow *ret, Error *err) {
  AUTO(str_free) char *boot = NULL;
  size_t length = 0;
  if (!io_read_file("/proc/sys/kernel/random/boot_id", BOOT_ID_SIZE, &boot, &length, err))
    return false;
  boot[strcspn(boot, "\n")] = '\0';
  *ret = (ReaperRow){.boottime_us = clock_boot_us(), .wall_us = clock_wall_us()};
  (void)snprintf(ret->boot, sizeof ret->boot, "%.63s", boot);
  return true;
}

static bool record_jump(Context *context, int64_t jump_us, int64_t hold_s, Error *err) {
  AUTO(json_free)
  json_t *params = json_pack("{s:I, s:I}", "jump_seconds", (json_int_t)(jump_us / SECOND_US),
                             "hold_seconds", (json_int_t)hold_s);
  const AuditRow row = {
      .actor_name = "system", .service = "boughd", .action = "expiry.held", .params = params};
  return audit_insert(context->catalog, &row, err);
}

static void add_event(json_t *events, char *text) {
  json_t *value = json_string(text);
  if (value != NULL)
    (void)json_array_append_new(events, value);
  str_free(text);
}

static bool look_at_clocks(Context *context, bool *ret_held, json_t *events, Error *err) {
  ReaperRow row;
  ReaperRow now;
  int64_t jump = 0;
  int64_t hold = json_integer_or(context->home->config, "expiry_hold_seconds", HOLD_SECONDS);
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!catalog_begin(context->catalog, &guard, err) || !reaper_get(context->catalog, &row, err) ||
      !read_clocks(&now, err))
    return false;
  reaper_clock_advance(&row, &now, hold * SECOND_US, &jump);
  if (!reaper_set(context->catalog, &row, err) ||
      (jump != 0 && !record_jump(context, jump, hold, err)) || !catalog_commit(&guard, err))
    return false;
  if (jump != 0)
    add_event(events, str_format("the wall clock jumped by %lld s: for %lld s no branch expires",
                                 (long long)(jump / SECOND_US), (long long)hold));
  *ret_held = reaper_clock_is_held(&row);
  return true;
}

/* ---- announcing ---- */

static bool announce(Context *context, const BranchRow *branch, Error *err) {
  bool first = false;
  AUTO(json_free)
  json_t *params = json_pack("{s:s, s:o}", "name", branch->name, "expires_at",
                             describe_time(branch->expires_at));
  const AuditRow row = {.actor_name = "system",
                        .service = "boughd",
                        .action = "branch.expiring",
                        .params = params,
                        .project = branch->project,
                        .branch = branch->id};
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!catalog_begin(context->catalog, &guard, err) ||
      !expiry_set_warned(context->catalog, branch, clock_wall_us(), &first, err))
    return false;
  return !first || (audit_insert(context->catalog, &row, err) &&
                    webhook_queue_branch(context, "branch.expiring", branch, err) &&
                    catalog_commit(&guard, err) && failpoint_reach(FAILPOINT_EXPIRY_WARNED, err));
}

static bool announce_all(Context *context, bool *ret_more, Error *err) {
  BranchRow *rows = NULL;
  size_t count = 0;
  if (!expiry_list_near(context->catalog, clock_wall_us(), WARN_LIMIT, &rows, &count, err))
    return false;
  bool ok = true;
  for (size_t at = 0; ok && at < count; at++)
    ok = announce(context, &rows[at], err);
  mem_free(rows);
  *ret_more = *ret_more || count == WARN_LIMIT;
  return ok;
}

/* ---- removing ---- */

/* Somebody holds it, or a part of it can't be removed now: that keeps no other one waiting. */
static bool put_off(Context *context, const char *branch, const Error *failure, json_t *events,
                    Error *err) {
  if (failure->code == ERROR_CATALOG_DOWN) {
    *err = *failure;
    return false;
  }
  if (failure->code != ERROR_BRANCH_BUSY && failure->code != ERROR_CANCELLED)
    add_event(events, str_format("branch %s: its time is over, but: %s", branch, failure->message));
  return expiry_postpone(context->catalog, branch, clock_wall_us() + RETRY_SECONDS * SECOND_US,
                         err);
}

static bool remove_one(Context *context, const ExpiryDue *due, json_t *events, Error *err) {
  Error failure = ERROR_INIT;
  bool ok = due->has_children ? branch_retire(context, due->branch, &failure)
                              : branch_delete_expired(context, due->branch, &failure);
  return ok || put_off(context, due->branch, &failure, events, err);
}

/* What a process made for itself, which was killed before it threw that away. */
static bool end_left_behind(Context *context, Error *err) {
  ExpiryMaker *makers = NULL;
  size_t count = 0;
  int64_t now = clock_wall_us();
  if (!expiry_list_made(context->catalog, now, &makers, &count, err))
    return false;
  bool ok = true;
  for (size_t at = 0; ok && at < count; at++)
    ok = process_start_time(makers[at].pid) == (uint64_t)makers[at].start ||
         expiry_set(context->catalog, makers[at].branch, now, err);
  mem_free(makers);
  return ok;
}

static bool remove_due(Context *context, json_t *events, bool *ret_more, Error *err) {
  int64_t deadline = clock_monotonic_ms() + LOOK_MS;
  ExpiryDue *due = NULL;
  size_t count = 0;
  if (!expiry_list_due(context->catalog, clock_wall_us(), DUE_LIMIT, &due, &count, err))
    return false;
  bool ok = true;
  size_t at = 0;
  while (ok && at < count && clock_monotonic_ms() < deadline)
    ok = remove_one(context, &due[at++], events, err);
  mem_free(due);
  *ret_more = *ret_more || at < count || count == DUE_LIMIT;
  return ok;
}

bool reaper_look(Context *context, json_t **ret_events, bool *ret_more, Error *err) {
  AUTO(json_free) json_t *events = json_array();
  bool held = false;
  bool more = false;
  if (!look_at_clocks(context, &held, events, err) ||
      (!held && (!end_left_behind(context, err) || !announce_all(context, &more, err) ||
                 !remove_due(context, events, &more, err))))
    return false;
  *ret_events = STEAL(events);
  *ret_more = more;
  return true;
}
