/* Accepts clients. */
#include "proxy/listener.h"

#include "core/log.h"
#include "core/str.h"
#include "proxy/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/listener.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 1024, PAUSE_MS = 100 };

struct Listener {
  Proxy *proxy;
  struct evconnlistener *sockets[ADDRESSES_LIMIT];
  size_t count;
  struct event *resume;
};

DEFINE_AUTO(Listener *, listener_free)

static void on_accept(struct evconnlistener *socket, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *context) {
  (void)socket;
  (void)length;
  const Listener *listener = context;
  client_accept(listener->proxy, fd, address);
}

/* Out of descriptors: those who wait are accepted when others have gone. */
static void on_failure(struct evconnlistener *socket, void *context) {
  (void)socket;
  Listener *listener = context;
  struct timeval pause = {.tv_usec = PAUSE_MS * 1000};
  log_warning("can't accept: %s", strerror(errno));
  for (size_t at = 0; at < listener->count; at++)
    (void)evconnlistener_disable(listener->sockets[at]);
  (void)event_add(listener->resume, &pause);
}

static void on_resume(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  const Listener *listener = context;
  for (size_t at = 0; at < listener->count; at++)
    (void)evconnlistener_enable(listener->sockets[at]);
}

static socklen_t make_address(const char *text, int port, struct sockaddr_storage *ret) {
  struct sockaddr_in *four = (struct sockaddr_in *)ret;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
  *ret = (struct sockaddr_storage){0};
  if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)port);
    return sizeof *four;
  }
  (void)inet_pton(AF_INET6, text, &six->sin6_addr); /* settings_read has checked it */
  six->sin6_family = AF_INET6;
  six->sin6_port = htons((uint16_t)port);
  return sizeof *six;
}

static bool open_socket(Listener *listener, const char *text, Error *err) {
  struct sockaddr_storage address;
  int port = listener->proxy->settings.port;
  socklen_t length = make_address(text, port, &address);
  unsigned flags =
      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE | LEV_OPT_REUSEABLE_PORT;
  if (address.ss_family == AF_INET6)
    flags |= LEV_OPT_BIND_IPV6ONLY;
  struct evconnlistener *socket =
      evconnlistener_new_bind(listener->proxy->base, on_accept, listener, flags, BACKLOG,
                              (const struct sockaddr *)&address, (int)length);
  if (socket == NULL && address.ss_family == AF_INET6 &&
      !listener->proxy->settings.addresses_given) {
    log_info("not on %s port %d: %s", text, port, strerror(errno));
    return true;
  }
  if (socket == NULL)
    return error_set_errno(err, errno, "could not listen on %s port %d", text, port);
  evconnlistener_set_error_cb(socket, on_failure);
  listener->sockets[listener->count++] = socket;
  return true;
}

bool listener_new(Proxy *proxy, Listener **ret, Error *err) {
  AUTO(listener_free) Listener *listener = mem_new(1, sizeof *listener);
  listener->proxy = proxy;
  listener->resume = evtimer_new(proxy->base, on_resume, listener);
  for (size_t at = 0; at < proxy->settings.address_count; at++)
    if (!open_socket(listener, proxy->settings.addresses[at], err))
      return false;
  *ret = STEAL(listener);
  return true;
}

static void accept_rest(const Listener *listener, struct evconnlistener *socket) {
  int fd = -1;
  struct sockaddr_storage address;
  do {
    socklen_t length = sizeof address;
    fd = accept4(evconnlistener_get_fd(socket), (struct sockaddr *)&address, &length,
                 SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
      client_accept(listener->proxy, fd, (const struct sockaddr *)&address);
  } while (fd >= 0);
}

void listener_free(Listener *listener) {
  if (listener == NULL)
    return;
  for (size_t at = 0; at < listener->count; at++) {
    accept_rest(listener, listener->sockets[at]);
    evconnlistener_free(listener->sockets[at]);
  }
  event_free(listener->resume);
  mem_free(listener);
}
