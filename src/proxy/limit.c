/* Counters and debts by key, in two search trees. */
#include "proxy/limit.h"

#include "core/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

enum { DEBTORS_LIMIT = 50000 };

/* What an attempt costs, how much is free, and past which wait it is refused at once. */
static const struct {
  int64_t cost_ms, allowance_ms, longest_ms;
} throttles[] = {
    [THROTTLE_SOURCE] = {200, 10000, 10000}, /* 50 at once, then five a second */
    [THROTTLE_USER] = {1000, 5000, 10000},   /* 5 at once, then one a second */
    [THROTTLE_CANCEL] = {100, 2000, 0},      /* 20 at once, then ten a second */
    [THROTTLE_REPORT] = {100, 2000, 0},
};

typedef struct Count {
  char *key;
  unsigned taken;
} Count;

typedef struct Debt {
  char *key; /* first, as in Count: compare_keys serves both */
  LIST_ENTRY(Debt) link;
  int64_t paid_ms; /* when all is paid off */
} Debt;

struct Limits {
  void *counts;
  void *debts;
  size_t debtors;
  LIST_HEAD(, Debt) all;
};

static int compare_keys(const void *left, const void *right) {
  const char *const *a = left;
  const char *const *b = right;
  return strcmp(*a, *b);
}

static char *full_key(int kind, const char *key) {
  return str_format("%d %s", kind, key);
}

Limits *limits_new(void) {
  Limits *limits = mem_new(1, sizeof *limits);
  LIST_INIT(&limits->all);
  return limits;
}

static void count_free(void *count) {
  str_free(((Count *)count)->key);
  mem_free(count);
}

static void nothing(void *debt) {
  (void)debt;
}

static void debt_free(Limits *limits, Debt *debt) {
  (void)tdelete(debt, &limits->debts, compare_keys);
  LIST_REMOVE(debt, link);
  limits->debtors--;
  str_free(debt->key);
  mem_free(debt);
}

void limits_free(Limits *limits) {
  if (limits == NULL)
    return;
  while (!LIST_EMPTY(&limits->all))
    debt_free(limits, LIST_FIRST(&limits->all));
  tdestroy(limits->debts, nothing);
  tdestroy(limits->counts, count_free);
  mem_free(limits);
}

/* Counters */

static Count *find_count(const Limits *limits, char *key) {
  Count wanted = {.key = key};
  void *const *found = tfind(&wanted, &limits->counts, compare_keys);
  return found != NULL ? *found : NULL;
}

bool limits_take(Limits *limits, LimitKind kind, const char *key, unsigned maximum) {
  AUTO(str_free) char *full = full_key((int)kind, key);
  Count *count = find_count(limits, full);
  if (count == NULL) {
    count = mem_new(1, sizeof *count);
    count->key = STEAL(full);
    (void)tsearch(count, &limits->counts, compare_keys);
  }
  if (count->taken >= maximum)
    return false;
  count->taken++;
  return true;
}

void limits_give(Limits *limits, LimitKind kind, const char *key) {
  AUTO(str_free) char *full = full_key((int)kind, key);
  Count *count = find_count(limits, full);
  if (count == NULL || --count->taken > 0)
    return;
  (void)tdelete(count, &limits->counts, compare_keys);
  count_free(count);
}

/* Debts */

static Debt *find_debt(const Limits *limits, char *key) {
  Debt wanted = {.key = key};
  void *const *found = tfind(&wanted, &limits->debts, compare_keys);
  return found != NULL ? *found : NULL;
}

static Debt *add_debt(Limits *limits, char *key) {
  Debt *debt = mem_new(1, sizeof *debt);
  debt->key = key;
  (void)tsearch(debt, &limits->debts, compare_keys);
  LIST_INSERT_HEAD(&limits->all, debt, link);
  limits->debtors++;
  return debt;
}

int64_t throttle_take_ms(Limits *limits, ThrottleKind kind, const char *key, int64_t now_ms) {
  AUTO(str_free) char *full = full_key((int)kind, key);
  Debt *debt = find_debt(limits, full);
  if (debt == NULL && limits->debtors >= DEBTORS_LIMIT)
    return throttles[kind].longest_ms > 0 ? throttles[kind].longest_ms : -1;
  if (debt == NULL)
    debt = add_debt(limits, STEAL(full));
  int64_t owed = debt->paid_ms > now_ms ? debt->paid_ms - now_ms : 0;
  int64_t wait = owed + throttles[kind].cost_ms - throttles[kind].allowance_ms;
  if (wait > throttles[kind].longest_ms)
    return -1;
  debt->paid_ms = now_ms + owed + throttles[kind].cost_ms;
  return wait > 0 ? wait : 0;
}

void throttle_give(Limits *limits, ThrottleKind kind, const char *key) {
  AUTO(str_free) char *full = full_key((int)kind, key);
  Debt *debt = find_debt(limits, full);
  if (debt != NULL)
    debt->paid_ms -= throttles[kind].cost_ms;
}

void limits_sweep(Limits *limits, int64_t now_ms) {
  for (Debt *debt = LIST_FIRST(&limits->all), *next = NULL; debt != NULL; debt = next) {
    next = LIST_NEXT(debt, link);
    if (debt->paid_ms <= now_ms)
      debt_free(limits, debt);
  }
}

/* Sources */

void source_text(const struct sockaddr *address, char ret[SOURCE_SIZE]) {
  const void *bytes = address->sa_family == AF_INET6
                          ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                          : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
  if (inet_ntop(address->sa_family, bytes, ret, SOURCE_SIZE) == NULL)
    (void)snprintf(ret, SOURCE_SIZE, "unknown");
}

void source_key(const struct sockaddr *address, char ret[SOURCE_SIZE]) {
  struct sockaddr_in6 network;
  if (address->sa_family != AF_INET6) {
    source_text(address, ret);
    return;
  }
  memcpy(&network, address, sizeof network);
  if (!IN6_IS_ADDR_V4MAPPED(&network.sin6_addr))
    memset(network.sin6_addr.s6_addr + 8, 0, 8);
  source_text((const struct sockaddr *)&network, ret);
}
