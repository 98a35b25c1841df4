/* Who may have how many connections, and how fast somebody may be wrong. */
#pragma once

#include "core/base.h"

#include <sys/socket.h>

typedef struct Limits Limits;

Limits *limits_new(void);
void limits_free(Limits *limits);

typedef enum LimitKind {
  LIMIT_LOGIN,     /* by source: not yet authenticated */
  LIMIT_SOURCE,    /* by source: all */
  LIMIT_PRINCIPAL, /* by principal */
  LIMIT_ENDPOINT,  /* by endpoint */
} LimitKind;

/* Takes one place; false when maximum are taken. Each place taken is given back. */
CHECKED bool limits_take(Limits *limits, LimitKind kind, const char *key, unsigned maximum);
void limits_give(Limits *limits, LimitKind kind, const char *key);

/* Throttles. A failure is a debt that time pays off; below the allowance it costs nothing, above it
 * whoever has that key waits before each attempt. The debt is taken before an attempt, so that many
 * at once don't slip by, and given back when it succeeds. */
typedef enum ThrottleKind {
  THROTTLE_SOURCE, /* wrong passwords of a source, whoever it says it is */
  THROTTLE_USER,   /* wrong passwords of a source for one user: others aren't locked out */
  THROTTLE_CANCEL, /* cancel requests of a source that hit nothing */
  THROTTLE_REPORT, /* refusals of a source that are told one by one */
} ThrottleKind;

/* How long an attempt that is made now has to wait; its debt is taken. -1: too long, and no debt is
 * taken. */
int64_t throttle_take_ms(Limits *limits, ThrottleKind kind, const char *key, int64_t now_ms);
void throttle_give(Limits *limits, ThrottleKind kind, const char *key);

/* Forgets debts that are paid off; called now and then. */
void limits_sweep(Limits *limits, int64_t now_ms);

enum { SOURCE_SIZE = 64 };

/* The address as text, for people. */
void source_text(const struct sockaddr *address, char ret[SOURCE_SIZE]);
/* What limits count by: the address, of IPv6 its first 64 bits, which one host may have whole. */
void source_key(const struct sockaddr *address, char ret[SOURCE_SIZE]);
