/* Who of the proxy's processes may come back. */
#include "daemon/away.h"

#include "core/clock.h"
#include "core/str.h"

#include <stdio.h>
#include <sys/queue.h>

typedef struct Lost {
  TAILQ_ENTRY(Lost) link;
  char boot[BOOT_SIZE];
  int64_t until_ms;
  int64_t next_report;
} Lost;

struct Away {
  TAILQ_HEAD(, Lost) list;
};

Away *away_new(void) {
  Away *away = mem_new(1, sizeof *away);
  TAILQ_INIT(&away->list);
  return away;
}

static void drop(Away *away, Lost *lost) {
  TAILQ_REMOVE(&away->list, lost, link);
  mem_free(lost);
}

void away_free(Away *away) {
  if (away == NULL)
    return;
  while (!TAILQ_EMPTY(&away->list))
    drop(away, TAILQ_FIRST(&away->list));
  mem_free(away);
}

void away_add(Away *away, const char *boot, int64_t next_report) {
  Lost *lost = mem_new(1, sizeof *lost);
  lost->next_report = next_report;
  lost->until_ms = clock_monotonic_ms() + AWAY_MS;
  (void)snprintf(lost->boot, sizeof lost->boot, "%s", boot);
  TAILQ_INSERT_TAIL(&away->list, lost, link);
}

/* And those whose time is over, in passing. */
int64_t away_return(Away *away, const char *boot) {
  int64_t next_report = 0;
  Lost *next = NULL;
  for (Lost *lost = TAILQ_FIRST(&away->list); lost != NULL; lost = next) {
    next = TAILQ_NEXT(lost, link);
    if (str_equal(lost->boot, boot))
      next_report = lost->next_report;
    if (str_equal(lost->boot, boot) || lost->until_ms < clock_monotonic_ms())
      drop(away, lost);
  }
  return next_report;
}

void away_list(const Away *away, json_t *boots) {
  const Lost *lost = NULL;
  TAILQ_FOREACH(lost, &away->list, link) {
    if (lost->until_ms >= clock_monotonic_ms())
      (void)json_array_append_new(boots, json_string(lost->boot));
  }
}
