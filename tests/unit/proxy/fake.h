/* boughd's side of the proxy's connection, for tests: a thread that answers from a short list of
 * principals and branches, and remembers what it was told. */
#pragma once

#include "core/json.h"

typedef struct Fake Fake;

/* Listens on path. Branches lead to the cluster whose socket is in socket_directory. */
Fake *fake_new(const char *path, const char *socket_directory);
void fake_free(Fake *fake);

/* What of boughd is seen from outside when it is restarted. */
void fake_stop(Fake *fake);
void fake_start(Fake *fake);

/* The answers to a method take so long from now on. */
void fake_set_delay_ms(Fake *fake, const char *method, int delay_ms);
/* So many answers to a method say that it failed. */
void fake_set_failures(Fake *fake, const char *method, int count);
/* Sessions end when they are idle for so long. */
void fake_set_idle_ms(Fake *fake, int idle_ms);
/* Endpoints take so many sessions; 0: any number. */
void fake_set_connections_limit(Fake *fake, int limit);

void fake_push(Fake *fake, const char *name, json_t *params); /* params stolen */

/* How often a method was called. */
size_t fake_count(Fake *fake, const char *method);
/* Params of its last call, owned by the caller; NULL when there was none. */
json_t *fake_last(Fake *fake, const char *method);
/* Waits until it was called more than count times; false after twenty seconds. */
bool fake_wait(Fake *fake, const char *method, size_t count);

/* The session that was begun last, owned by the caller. */
char *fake_last_session(Fake *fake);
/* Waits until it has ended: what was told of that, owned by the caller; NULL after twenty seconds.
 */
json_t *fake_wait_end(Fake *fake, const char *session);
