/* Keeps one branch from filling the pool for all. */
#include "branch/watch.h"

#include "branch/access.h"
#include "branch/endpoint.h"
#include "branch/endpoint_open.h"
#include "branch/pool.h"
#include "core/str.h"

#define MEGABYTE (1000LL * 1000) /* as policies write it */
#define DEFAULT_BRANCH_BYTES (20 * 1000 * MEGABYTE)

typedef struct Writer {
  EndpointRow endpoint;
  BranchRow branch;
  int64_t written; /* bytes since its compute was opened; -1: unknown */
} Writer;

static bool measure(Context *context, Writer *writer, Error *err) {
  return endpoint_measure(context, &writer->endpoint, &writer->written, NULL, err);
}

static bool suspend(Context *context, const Writer *writer, const char *reason, json_t *events,
                    Error *err) {
  AUTO(str_free)
  char *text = str_format("it wrote %lld MB since it was started, %s",
                          (long long)(writer->written / MEGABYTE), reason);
  bool suspended = false;
  if (!endpoint_suspend(context, &writer->endpoint, text, &suspended, err))
    return false;
  if (!suspended)
    return true;
  AUTO(str_free)
  char *event = str_format("branch \"%s\" " ENDPOINT_SUSPENDED "%s", writer->branch.name, text);
  (void)json_array_append_new(events, json_string(event));
  return true;
}

/* Other branches hang on roots and tiers, so these go on writing. */
static bool is_ephemeral(const BranchRow *branch) {
  return !str_equal(branch->kind, "root") && branch->tier[0] == '\0';
}

/* The awake ephemeral branches with what each has written. */
static bool list_writers(Context *context, Writer **ret, size_t *ret_count, Error *err) {
  EndpointRow *rows = NULL;
  size_t row_count = 0;
  if (!endpoint_list(context->catalog, &rows, &row_count, err))
    return false;
  Writer *writers = mem_new(row_count, sizeof *writers);
  size_t count = 0;
  for (size_t at = 0; at < row_count; at++) {
    Writer *writer = &writers[count];
    Error ignored = ERROR_INIT; /* it may end while we look */
    writer->endpoint = rows[at];
    if (rows[at].state == ENDPOINT_RUNNING && endpoint_is_alive(&rows[at]) &&
        branch_get(context->catalog, rows[at].branch, &writer->branch, &ignored) &&
        is_ephemeral(&writer->branch) && measure(context, writer, &ignored))
      count++;
  }
  mem_free(rows);
  *ret = writers;
  *ret_count = count;
  return true;
}

/* The lower of the server's cap and the policy's, and what the lower one is called. */
static int64_t find_cap(Context *context, const BranchRow *branch, const char **ret_name) {
  const Policy *policy = NULL;
  Error ignored = ERROR_INIT; /* a policy that can't be read doesn't lift the server's cap */
  int64_t cap = json_integer_or(context->home->config, "branch_bytes", DEFAULT_BRANCH_BYTES);
  *ret_name = "branch_bytes in config.json";
  if (!access_policy(context, branch->project, &policy, NULL, &ignored) || policy == NULL ||
      policy->limit_branch_bytes == 0 || policy->limit_branch_bytes >= cap)
    return cap;
  *ret_name = "limits.branch_bytes of the policy";
  return policy->limit_branch_bytes;
}

/* What was written since the start counts what was overwritten, too, which is most of it where the
 * same rows are changed again and again: a branch has no more of its own than quotas say, or than
 * there is of it. */
static bool may_hold(Context *context, const Writer *writer, int64_t bytes) {
  AUTO(json_free) json_t *usage = NULL;
  Error unknown = ERROR_INIT;
  if (!agent_call(context->agent, "volume.usage",
                  json_pack("{s:s}", "volume", writer->branch.volume), &usage, &unknown))
    return true;
  int64_t all = json_integer_or(usage, "logical", INT64_MAX);
  return json_integer_or(usage, "written", all) > bytes;
}

static bool suspend_over_cap(Context *context, const Writer *writers, size_t count, json_t *events,
                             Error *err) {
  for (size_t at = 0; at < count; at++) {
    const char *name = NULL;
    int64_t cap = find_cap(context, &writers[at].branch, &name);
    if (writers[at].written <= cap || !may_hold(context, &writers[at], cap))
      continue;
    AUTO(str_free)
    char *reason =
        str_format("more than the %lld MB that %s allows", (long long)(cap / MEGABYTE), name);
    if (!suspend(context, &writers[at], reason, events, err))
      return false;
  }
  return true;
}

/* Below the reserve a branch that wrote a hundredth of the pool goes, below the critical mark, also
 * that of the logs' file system, whichever wrote most. */
static bool suspend_largest(Context *context, const Writer *writers, size_t count,
                            bool is_home_critical, json_t *events, Error *err) {
  AUTO(json_free) json_t *status = NULL;
  if (!pool_describe(context, &status, err))
    return false;
  int64_t size = json_integer_or(status, "size", 0);
  bool critical = is_home_critical || json_integer_or(status, "available", 0) < pool_critical(size);
  int64_t least = critical ? 0 : size / 100;
  const Writer *largest = NULL;
  for (size_t at = 0; at < count; at++)
    if (writers[at].written > least && (largest == NULL || writers[at].written > largest->written))
      largest = &writers[at];
  return largest == NULL ||
         suspend(context, largest,
                 is_home_critical ? "the most of all while there is hardly room for logs"
                                  : "the most of all while the pool is nearly full",
                 events, err);
}

bool watch_pool(Context *context, bool measure_all, json_t **ret_events, Error *err) {
  AUTO(json_free) json_t *events = json_array();
  Error full = ERROR_INIT;
  Writer *writers = NULL;
  size_t count = 0;
  PoolHome home = pool_home(context);
  bool is_home_critical = home.available < home.reserve / 2;
  bool has_room = pool_check_own_room(context, &full);
  if (!has_room && full.code != ERROR_POOL_FULL) {
    *err = full;
    return false;
  }
  has_room = has_room && !is_home_critical;
  bool ok = (has_room && !measure_all) || list_writers(context, &writers, &count, err);
  ok = ok && suspend_over_cap(context, writers, count, events, err) &&
       (has_room || suspend_largest(context, writers, count, is_home_critical, events, err));
  mem_free(writers);
  if (ok)
    *ret_events = STEAL(events);
  return ok;
}
