/* git.sock: where git's clients come in (scm/git_request.h has the first line). Who it is and what
 * it may a worker decides; then git itself takes the socket, bounded in number and time. */
#pragma once

#include "core/home.h"
#include "daemon/dispatch.h"

#include <event2/event.h>

typedef struct GitLink GitLink;

CHECKED bool git_link_open(const Home *home, struct event_base *base, Dispatcher *dispatcher,
                           GitLink **ret, Error *err);
/* Lets nobody in any more; what runs goes on until git_link_free. NULL is fine, here and below. */
void git_link_stop(GitLink *link);
void git_link_free(GitLink *link);
