/* Gathers ends for a moment. */
#include "proxy/ends.h"

enum {
  MOMENT_MS = 50,
  MOST = 500, /* in one message, which has its limit */
};

struct Ends {
  Control *control;
  struct event *timer;
  json_t *list;
};

static void tell(Ends *ends) {
  (void)event_del(ends->timer);
  if (json_array_size(ends->list) == 0)
    return;
  (void)control_tell(ends->control, "sessions.end", json_pack("{s:o}", "sessions", ends->list), 0,
                     NULL, NULL);
  ends->list = json_array();
}

static void on_timer(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  tell(context);
}

Ends *ends_new(struct event_base *base, Control *control) {
  Ends *ends = mem_new(1, sizeof *ends);
  *ends = (Ends){.control = control, .list = json_array()};
  ends->timer = evtimer_new(base, on_timer, ends);
  return ends;
}

void ends_free(Ends *ends) {
  if (ends == NULL)
    return;
  tell(ends);
  event_free(ends->timer);
  json_free(ends->list);
  mem_free(ends);
}

void ends_add(Ends *ends, json_t *end) {
  static const struct timeval moment = {.tv_usec = MOMENT_MS * 1000};
  (void)json_array_append_new(ends->list, end);
  if (json_array_size(ends->list) == 1)
    (void)event_add(ends->timer, &moment);
  else if (json_array_size(ends->list) == MOST)
    tell(ends);
}

size_t ends_waiting(const Ends *ends) {
  return json_array_size(ends->list);
}
