/* Reads BOUGH_FAILPOINT once and acts on it. */
#include "core/failpoint.h"

#include "core/clock.h"
#include "core/str.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const FailpointInfo infos[FAILPOINT_COUNT_] = {
#define FAILPOINT(name, text, where) [FAILPOINT_##name] = {text, where},
#include "core/failpoint.def"
#undef FAILPOINT
};

static pid_t victim;

const FailpointInfo *failpoint_info(FailpointId id) {
  return &infos[id];
}

void failpoint_set_victim(pid_t pid) {
  victim = pid;
}

/* What BOUGH_FAILPOINT says behind "name=", NULL if it names another point or none. */
static const char *action_for(FailpointId id) {
  static const char *setting;
  static bool known;
  if (!known) {
    setting = getenv("BOUGH_FAILPOINT");
    known = true;
  }
  if (setting == NULL || !str_starts(setting, infos[id].name))
    return NULL;
  const char *rest = setting + strlen(infos[id].name);
  return *rest == '=' ? rest + 1 : NULL;
}

bool failpoint_wants(FailpointId id, const char *action) {
  return str_equal(action_for(id), action);
}

bool failpoint_reach(FailpointId id, Error *err) {
  const char *action = action_for(id);
  if (action == NULL)
    return true;
  if (str_equal(action, "crash")) {
    if (victim > 0)
      (void)kill(victim, SIGKILL);
    (void)kill(getpid(), SIGKILL);
  }
  if (str_starts(action, "sleep:"))
    clock_sleep_ms(atoll(action + strlen("sleep:")));
  if (str_equal(action, "error"))
    return error_set(err, ERROR_INTERNAL, "failure point \"%s\"", infos[id].name);
  return true;
}
