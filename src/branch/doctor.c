/* bough doctor: a table of checks, each of which adds what it finds. */
#include "branch/doctor.h"

#include "branch/access.h"
#include "branch/endpoint.h"
#include "branch/pool.h"
#include "branch/reaper_clock.h"
#include "branch/runner.h"
#include "catalog/expiry.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/str.h"

#include <stdlib.h>
#include <unistd.h>

enum { CLOCK_TOLERANCE_S = 5, HOST_LOW_PERCENT = 5, LANDLOCK_SCOPES = 6 };

typedef struct Checkup {
  Context *context;
  const json_t *daemon;
  json_t *findings;
} Checkup;

typedef enum Severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE } Severity;

static void add(Checkup *checkup, const char *id, Severity severity, const char *subject,
                const char *message, const char *fix) {
  static const char *const names[] = {"error", "warning", "note"};
  json_t *finding = json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", id, "severity", names[severity],
                              "subject", subject, "message", message, "fix", fix);
  (void)json_array_append_new(checkup->findings, finding);
}

static void add_failure(Checkup *checkup, const char *id, const char *subject, const Error *failure,
                        const char *fix) {
  add(checkup, id, SEVERITY_ERROR, subject, failure->message,
      failure->hint[0] != '\0' ? failure->hint : fix);
}

static void check_agent(Checkup *checkup) {
  AUTO(json_free) json_t *answer = NULL;
  Error failure = ERROR_INIT;
  if (!agent_call(checkup->context->agent, "ping", json_object(), &answer, &failure)) {
    add_failure(checkup, "agent-down", "bough-agent", &failure, "run `bough up`");
    return;
  }
  int64_t level = json_integer_or(answer, "landlock", 0);
  if (level == 0)
    add(checkup, "landlock-missing", SEVERITY_WARNING, "kernel",
        "the kernel has no Landlock: computes are not confined to their own directories",
        "use a kernel with CONFIG_SECURITY_LANDLOCK (Debian's has it) and lsm=landlock");
  else if (level < LANDLOCK_SCOPES)
    add(checkup, "landlock-scopes", SEVERITY_NOTE, "kernel",
        "the kernel's Landlock doesn't stop signals between computes (that came with 6.12)",
        "nothing needs to be done where all branches belong to one team");
}

static void check_runner(Checkup *checkup) {
  if (!runner_is_up(checkup->context->home))
    add(checkup, "runner-down", SEVERITY_ERROR, "bough-runner",
        "it doesn't run: tests and post-checks that policies declare wait", "run `bough up`");
}

static void check_mode(Checkup *checkup) {
  if (!checkup->context->home->system_mode)
    add(checkup, "user-mode", SEVERITY_NOTE, "accounts",
        "Bough runs as one ordinary user: it is a tool here, not a guard, since whoever is that "
        "user "
        "can read every branch's files",
        "set it up as root for service accounts and confinement");
}

static void check_tools(Checkup *checkup) {
  static const char *const tools[] = {"postgres",   "initdb",        "psql",        "pg_dump",
                                      "pg_restore", "pg_basebackup", "pg_checksums"};
  for (size_t at = 0; at < ARRAY_LENGTH(tools); at++) {
    AUTO(str_free) char *path = path_join(checkup->context->home->postgres_bin, tools[at]);
    if (access(path, X_OK) != 0)
      add(checkup, "tool-missing", SEVERITY_ERROR, path, "the program can't be run",
          "install postgresql-15, or correct \"postgres_bin\" in config.json");
  }
}

static void check_room(Checkup *checkup, const json_t *status) {
  int64_t size = json_integer_or(status, "size", 0);
  int64_t available = json_integer_or(status, "available", 0);
  AUTO(str_free)
  char *text = str_format("%lld MB of %lld MB are left", (long long)(available >> 20),
                          (long long)(size >> 20));
  if (available < pool_reserve(size))
    add(checkup, "pool-full", SEVERITY_ERROR, "pool", text,
        "delete branches, or enlarge the pool: creates are refused now");
  else if (available < 2 * pool_reserve(size))
    add(checkup, "pool-filling", SEVERITY_WARNING, "pool", text, "delete branches, or enlarge it");
}

static void check_pool(Checkup *checkup) {
  Context *context = checkup->context;
  AUTO(json_free) json_t *status = NULL;
  Error failure = ERROR_INIT;
  if (context->home->pool_path == NULL) {
    add(checkup, "pool-none", SEVERITY_ERROR, "pool", "there is no storage pool",
        "`bough pool create --image FILE --size N`, or --path or --device");
    return;
  }
  if (!pool_describe(context, &status, &failure)) {
    add_failure(checkup, "pool-missing", context->home->pool_path, &failure,
                "mount it: `bough up` does");
    return;
  }
  check_room(checkup, status);
  size_t at = 0;
  const json_t *feature = NULL;
  json_array_foreach(json_object_get(status, "features"), at, feature) {
    if (str_equal(json_string_value(feature), "written"))
      add(checkup, "pool-quota", SEVERITY_WARNING, "pool",
          "btrfs simple quotas are on: kernels before 6.7, Debian 12's own among them, can't mount "
          "this pool",
          "keep to newer kernels, or make a new pool without --quota");
  }
}

static void check_host_room(Checkup *checkup) {
  const char *root = checkup->context->home->root;
  PoolHome room = pool_home(checkup->context);
  AUTO(str_free)
  char *text = str_format("%lld MB of %lld MB are left in the file system of the state directory, "
                          "where the logs of computes are written",
                          (long long)(room.available >> 20), (long long)(room.size >> 20));
  if (room.available < room.reserve)
    add(checkup, "host-full", SEVERITY_ERROR, root, text,
        "free some room: creates are refused now");
  else if (room.available < room.size / 100 * HOST_LOW_PERCENT)
    add(checkup, "host-filling", SEVERITY_WARNING, root, text, "free some room");
}

static void check_problems(Checkup *checkup) {
  size_t at = 0;
  const json_t *text = NULL;
  json_array_foreach(json_object_get(checkup->daemon, "problems"), at, text) {
    add(checkup, "recovery", SEVERITY_ERROR, "recovery", json_string_value(text),
        "`bough operation list`; restart boughd (`bough down`, `bough up`) to try again");
  }
}

static void check_clock(Checkup *checkup) {
  int64_t jump = json_integer_or(checkup->daemon, "clock_jump_us", 0) / 1000000;
  AUTO(str_free)
  char *text = str_format("the wall clock jumped by %lld s since boughd started", (long long)jump);
  if (llabs(jump) > CLOCK_TOLERANCE_S)
    add(checkup, "clock-jumped", SEVERITY_WARNING, "clock", text,
        "check time synchronisation; limits and durations are not affected, shown times are");
}

/* What the reaper found of the clock, and what it does about it. */
static void check_reaper(Checkup *checkup) {
  Context *context = checkup->context;
  ReaperRow row;
  Error failure = ERROR_INIT;
  if (context->catalog == NULL || !reaper_get(context->catalog, &row, &failure) ||
      !reaper_clock_is_held(&row))
    return;
  int64_t rest = (row.held_until_us - clock_boot_us()) / 1000000;
  AUTO(str_free)
  char *text = str_format("the wall clock jumped by %lld s: no branch expires for another %lld s",
                          (long long)(row.jump_us / 1000000), (long long)(rest > 0 ? rest : 0));
  add(checkup, "expiry-held", SEVERITY_WARNING, "clock", text,
      "correct the clock before that, or extend what must stay: `bough branch expire`");
}

static void check_webhooks(Checkup *checkup) {
  int64_t count = 0;
  Error failure = ERROR_INIT;
  if (checkup->context->catalog == NULL ||
      !webhook_count_given_up(checkup->context->catalog, &count, &failure) || count == 0)
    return;
  AUTO(str_free)
  char *text =
      str_format("%lld messages of the last days could not be delivered", (long long)count);
  add(checkup, "webhook-failed", SEVERITY_WARNING, "webhook_url", text,
      "the audit says why (webhook.deliver); see \"webhook_url\" in config.json");
}

static void check_catalog(Checkup *checkup) {
  if (checkup->context->catalog == NULL)
    add(checkup, "catalog-down", SEVERITY_ERROR, "catalog", "the system catalog doesn't answer",
        "see logs/catalog.log in the state directory, then `bough up`");
}

/* What rows and volumes say of each other. */

static void check_branch(Checkup *checkup, const BranchRow *branch, const json_t *volumes) {
  if (branch->state == ROW_FAILED)
    add(checkup, "branch-failed", SEVERITY_ERROR, branch->name, branch->error,
        "`bough branch reset` makes it anew from its parent, `bough branch delete` removes it");
  if ((branch->state == ROW_READY || branch->state == ROW_FAILED) &&
      !json_has_text(volumes, branch->volume))
    add(checkup, "volume-missing", SEVERITY_ERROR, branch->name,
        "the branch's volume is not in the pool",
        "is the right pool mounted? else reset or delete the branch");
  if (branch->created_at > clock_wall_us() + (int64_t)CLOCK_TOLERANCE_S * 1000000)
    add(checkup, "clock-behind", SEVERITY_WARNING, branch->name,
        "the branch was created in the future: the clock was set back",
        "check time synchronisation");
}

static void check_rows(Checkup *checkup) {
  AUTO(json_free) json_t *texts = NULL;
  Error failure = ERROR_INIT;
  if (checkup->context->catalog == NULL)
    return;
  if (!catalog_verify(checkup->context->catalog, &texts, &failure)) {
    add_failure(checkup, "catalog-invalid", "catalog", &failure, "");
    return;
  }
  size_t at = 0;
  const json_t *text = NULL;
  json_array_foreach(texts, at, text) {
    add(checkup, "catalog-invalid", SEVERITY_ERROR, "catalog", json_string_value(text),
        "somebody changed it by hand: restore it; until then what it stands for can't be used and "
        "nothing is swept");
  }
}

/* What is the matter with others' branches is told to those who see them: it names them, and may
 * quote their logs. */
static bool is_told(Context *context, const BranchRow *branch) {
  return access_is_platform(context) || access_sees(context, branch);
}

static void check_branches(Checkup *checkup) {
  Context *context = checkup->context;
  AUTO(json_free) json_t *list = NULL;
  BranchRow *rows = NULL;
  size_t count = 0;
  size_t invalid = 0; /* check_rows names them */
  Error failure = ERROR_INIT;
  if (context->catalog == NULL ||
      !branch_list(context->catalog, NULL, false, &rows, &count, &invalid, &failure))
    return;
  bool has_list = agent_call(context->agent, "volume.list", json_object(), &list, &failure);
  for (size_t at = 0; has_list && at < count; at++)
    if (is_told(context, &rows[at]))
      check_branch(checkup, &rows[at], json_object_get(list, "complete"));
  mem_free(rows);
  size_t at = 0;
  const json_t *name = NULL;
  json_array_foreach(json_object_get(list, "foreign"), at, name) {
    add(checkup, "foreign-in-pool", SEVERITY_WARNING, json_string_value(name),
        "this isn't Bough's; it is left alone", "move it out of the pool");
  }
}

static void check_volumes(Checkup *checkup) {
  Context *context = checkup->context;
  AUTO(json_free) json_t *list = NULL;
  Error failure = ERROR_INIT;
  if (context->catalog == NULL ||
      !agent_call(context->agent, "volume.list", json_object(), &list, &failure))
    return;
  size_t at = 0;
  const json_t *value = NULL;
  json_array_foreach(json_object_get(list, "volumes"), at, value) {
    bool known = false;
    const char *volume = json_string_value(value);
    if (volume != NULL && catalog_knows_volume(context->catalog, volume, &known, &failure) &&
        !known)
      add(checkup, "volume-unknown", SEVERITY_WARNING, volume,
          "no row of the catalog has ever named this volume; it is left alone",
          "does the pool belong to another installation? else remove it by hand");
  }
}

static void check_endpoints(Checkup *checkup) {
  Context *context = checkup->context;
  EndpointRow *rows = NULL;
  size_t count = 0;
  Error failure = ERROR_INIT;
  if (context->catalog == NULL || !endpoint_list(context->catalog, &rows, &count, &failure))
    return;
  for (size_t at = 0; at < count; at++) {
    BranchRow branch;
    bool is_known = branch_get(context->catalog, rows[at].branch, &branch, &failure);
    const char *name = is_known ? branch.name : rows[at].id;
    if (is_known ? !is_told(context, &branch) : !access_is_platform(context))
      continue;
    if (rows[at].state == ENDPOINT_FAILED)
      add(checkup, "compute-failed", SEVERITY_ERROR, name, rows[at].error,
          "`bough endpoint show` has its log; `bough endpoint start` tries again");
    else if (rows[at].error[0] != '\0')
      add(checkup, "compute-suspended", SEVERITY_WARNING, name, rows[at].error,
          "`bough endpoint start` wakes it");
  }
  mem_free(rows);
}

static void check_leftovers(Checkup *checkup) {
  static const char *const kinds[] = {"processes", "shared_memory", "directories"};
  Context *context = checkup->context;
  AUTO(json_free) json_t *answer = NULL;
  BranchRow *branches = NULL;
  EndpointRow *endpoints = NULL;
  size_t branch_count = 0;
  size_t endpoint_count = 0;
  size_t invalid = 0;
  Error failure = ERROR_INIT;
  json_t *volumes = json_array();
  json_t *ids = json_array();
  bool ok =
      context->catalog != NULL &&
      branch_list(context->catalog, NULL, false, &branches, &branch_count, &invalid, &failure) &&
      endpoint_list(context->catalog, &endpoints, &endpoint_count, &failure);
  for (size_t at = 0; ok && at < branch_count; at++)
    (void)json_array_append_new(volumes, json_string(branches[at].volume));
  for (size_t at = 0; ok && at < endpoint_count; at++)
    (void)json_array_append_new(ids, json_string(endpoints[at].id));
  mem_free(branches);
  mem_free(endpoints);
  json_t *params = json_pack("{s:o, s:o}", "volumes", volumes, "endpoints", ids);
  if (!ok ||
      !agent_call(context->agent, "host.leftovers", json_incref(params), &answer, &failure)) {
    json_free(params);
    return;
  }
  json_free(params);
  for (size_t kind = 0; kind < ARRAY_LENGTH(kinds); kind++) {
    size_t at = 0;
    const json_t *value = NULL;
    json_array_foreach(json_object_get(answer, kinds[kind]), at, value) {
      AUTO(str_free) char *subject = json_text(value);
      add(checkup, "leftover", SEVERITY_WARNING, subject, "belongs to no branch that is known",
          "restart boughd to have directories swept; end processes by hand");
    }
  }
}

static void (*const checks[])(Checkup *checkup) = {
    check_agent,     check_runner,    check_mode,   check_tools,    check_pool,     check_host_room,
    check_catalog,   check_problems,  check_clock,  check_rows,     check_branches, check_volumes,
    check_endpoints, check_leftovers, check_reaper, check_webhooks,
};

bool doctor_run(Context *context, const json_t *daemon, json_t **ret, Error *err) {
  (void)err;
  Checkup checkup = {.context = context, .daemon = daemon, .findings = json_array()};
  for (size_t at = 0; at < ARRAY_LENGTH(checks); at++)
    checks[at](&checkup);
  bool ok = true;
  size_t at = 0;
  const json_t *finding = NULL;
  json_array_foreach(checkup.findings, at, finding) {
    ok = ok && !str_equal(json_string_or(finding, "severity", ""), "error");
  }
  *ret = json_pack("{s:o, s:b}", "findings", checkup.findings, "ok", ok);
  return true;
}
