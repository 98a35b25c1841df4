/* Looks after the audit. */
#include "branch/audit_keep.h"

#include "branch/audit_anchor.h"
#include "branch/audit_key.h"
#include "branch/audit_read.h"
#include "branch/statement.h"
#include "catalog/access.h"
#include "core/str.h"

#include <stdio.h>

#define DEFAULT_KEEP_S (400LL * 86400)
#define RETRY_US (600LL * 1000000)

enum {
  ROUNDS_LIMIT = 50, /* batches at a time: a backlog is worked off over several seconds */
  DEFAULT_ANCHOR_S = 600,
};

static void add_event(json_t *events, const char *format, ...) PRINTF(2, 3);
static void add_event(json_t *events, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  (void)json_array_append_new(events, json_line(text));
}

/* ---- sealing ---- */

static bool seal(Context *context, Error *err) {
  size_t count = 1;
  for (int round = 0; count > 0 && round < ROUNDS_LIMIT; round++)
    if (!chain_seal(context->catalog, &count, err))
      return false;
  return true;
}

bool audit_settle(Context *context, Error *err) {
  return audit_flush_refusals(context->catalog, true, err) && seal(context, err);
}

/* ---- anchoring ---- */

/* Outside first: what the catalog knows as signed was anchored for certain. */
static bool anchor(Context *context, ChainHead *head, json_t *events, Error *err) {
  AUTO(audit_key_free) AuditKey *key = NULL;
  return audit_key_open(context->home, true, &key, err) && audit_key_sign(key, head, err) &&
         audit_anchor_write(context->home, head, events, err) &&
         chain_head_insert(context->catalog, head, err);
}

static bool anchor_when_due(Context *context, int64_t now_us, json_t *events, Error *err) {
  int64_t every = json_integer_or(json_object_get(context->home->config, "audit"), "anchor_seconds",
                                  DEFAULT_ANCHOR_S);
  ChainHead head;
  bool due = false;
  if (!chain_last(context->catalog, &head, err) ||
      !chain_anchor_is_due(context->catalog, now_us, every, &due, err))
    return false;
  (void)snprintf(head.reason, sizeof head.reason, "schedule");
  return !due || anchor(context, &head, events, err);
}

/* ---- days ---- */

static bool add_days(Context *context, int64_t now_us, Error *err) {
  static int64_t seen_day = -1; /* of this worker: once a day is enough, and at its start */
  int64_t day = now_us / 86400000000LL;
  size_t count = 0;
  if (day == seen_day)
    return true;
  if (!chain_add_days(context->catalog, now_us, &count, err))
    return false;
  seen_day = day;
  return true;
}

/* Once, however often the drop is tried. */
static bool anchor_day(Context *context, const char *day, ChainHead *ret, json_t *events,
                       Error *err) {
  bool found = false;
  if (!chain_dropped(context->catalog, ret, &found, err))
    return false;
  if (found && str_equal(ret->day, day))
    return true;
  if (!chain_last_of_day(context->catalog, day, ret, err))
    return false;
  (void)snprintf(ret->reason, sizeof ret->reason, "partition");
  (void)snprintf(ret->day, sizeof ret->day, "%s", day);
  return anchor(context, ret, events, err);
}

/* One at a time: the next second brings the next. Its end is signed, written outside, and only then
 * is it gone. */
static bool drop_day(Context *context, int64_t now_us, json_t *events, Error *err) {
  int64_t keep = 0;
  char day[16];
  bool found = false;
  ChainHead head;
  if (!chain_keep_seconds(context->catalog, &keep, err) ||
      !chain_day_to_drop(context->catalog, now_us, keep > 0 ? keep : DEFAULT_KEEP_S, day, &found,
                         err))
    return false;
  if (!found)
    return true;
  if (!anchor_day(context, day, &head, events, err) || !chain_drop_day(context->catalog, day, err))
    return false;
  add_event(events, "the audit of %s is past keeping and gone, up to entry %lld", day,
            (long long)head.seq);
  return true;
}

/* Somebody who reads may hold a partition: that is no reason to stop sealing, and whoever writes
 * waits behind each attempt. */
static void drop_or_tell(Context *context, int64_t now_us, json_t *events) {
  static int64_t failed_us;
  Error failure = ERROR_INIT;
  if (failed_us != 0 && now_us - failed_us < RETRY_US)
    return;
  failed_us = 0;
  if (drop_day(context, now_us, events, &failure))
    return;
  failed_us = now_us;
  add_event(events, "an old day of the audit could not be dropped yet: %s", failure.message);
}

/* By whatever way the right went: a policy, another project. That is no reason to stop sealing. */
static void end_or_tell(Context *context, json_t *events) {
  Error failure = ERROR_INIT;
  size_t ended = 0;
  if (!audit_end_unentitled(context, &ended, &failure))
    add_event(events, "sessions that read the audit could not be looked at: %s", failure.message);
  else if (ended > 0)
    add_event(events, "%zu sessions that read the audit have lost the right to", ended);
}

bool audit_keep(Context *context, int64_t now_us, json_t **ret, Error *err) {
  AUTO(json_free) json_t *events = json_array();
  end_or_tell(context, events);
  if (!add_days(context, now_us, err) || !statement_collect_all(context, events, err) ||
      !audit_flush_refusals(context->catalog, false, err) || !seal(context, err) ||
      !anchor_when_due(context, now_us, events, err))
    return false;
  drop_or_tell(context, now_us, events);
  *ret = json_pack("{s:O}", "events", events);
  return true;
}
