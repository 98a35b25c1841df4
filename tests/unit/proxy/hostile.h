/* A compute that isn't postgres: a thread that answers whoever connects with bytes of the test's
 * choice. */
#pragma once

#include "core/str.h"

enum { HOSTILE_PORT = 5433 };

typedef struct Hostile Hostile;

/* Listens on the socket of HOSTILE_PORT in that directory, and closes at once. */
Hostile *hostile_new(const char *socket_directory);
void hostile_free(Hostile *hostile);

/* What it says to each connection from now on, after its first packet. Without words it closes;
 * with some it waits until the other side does. */
void hostile_set_words(Hostile *hostile, const Buffer *words);
/* How many connections it had. */
size_t hostile_count(const Hostile *hostile);
