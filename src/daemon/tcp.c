/* A loopback listener and its token. */
#include "daemon/tcp.h"

#include "core/hex.h"
#include "core/io.h"
#include "core/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TOKEN_BYTES = 32, TOKEN_LENGTH = 2 * TOKEN_BYTES, BACKLOG = 128 };

struct TcpApi {
  HttpServer *server;
  char token[TOKEN_LENGTH + 1];
  unsigned owner_uid;
};

static bool make_token(const char *path, Error *err) {
  unsigned char random[TOKEN_BYTES];
  char text[TOKEN_LENGTH + 2];
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
    return error_set(err, ERROR_INTERNAL, "no randomness");
  hex_write(random, sizeof random, text);
  text[TOKEN_LENGTH] = '\n';
  return io_write_file(path, text, TOKEN_LENGTH + 1, 0600, err);
}

static bool read_token(const Home *home, char ret[TOKEN_LENGTH + 1], Error *err) {
  AUTO(str_free) char *path = home_path(home, "locks/api.token");
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  if ((!io_exists(path) && !make_token(path, err)) ||
      !io_read_file(path, 1024, &text, &length, err))
    return false;
  if (strcspn(text, "\n") != TOKEN_LENGTH) {
    (void)error_set(err, ERROR_IO, "\"%s\" holds no token", path);
    return error_hint(err, "remove it; the next start makes a new one");
  }
  memcpy(ret, text, TOKEN_LENGTH);
  ret[TOKEN_LENGTH] = '\0';
  return true;
}

static bool listen_on(int port, int *ret, Error *err) {
  const int yes = 1;
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  AUTO_RELEASE(fd_release) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0)
    return error_set_errno(err, errno, "could not listen on 127.0.0.1:%d", port);
  *ret = fd;
  fd = -1;
  return true;
}

bool tcp_api_open(const Home *home, struct event_base *base, int idle_seconds, HttpHandler *handler,
                  void *context, TcpApi **ret, Error *err) {
  int64_t port = json_integer_or(json_object_get(home->config, "tcp"), "port", 0);
  if (port == 0)
    return true;
  if (port < 1 || port > 65535)
    return error_set(err, ERROR_USAGE, "config.json: \"tcp\": \"port\" must be 1 to 65535");
  TcpApi *api = mem_new(1, sizeof *api);
  int fd = -1;
  api->owner_uid = home->owner_uid;
  if (!read_token(home, api->token, err) || !listen_on((int)port, &fd, err) ||
      !http_server_new(base, fd, idle_seconds, handler, context, &api->server, err)) {
    tcp_api_free(api);
    return false;
  }
  *ret = api;
  return true;
}

void tcp_api_free(TcpApi *api) {
  if (api == NULL)
    return;
  http_server_free(api->server);
  explicit_bzero(api->token, sizeof api->token);
  mem_free(api);
}

bool tcp_api_authenticate(const TcpApi *api, const HttpExchange *exchange, unsigned *ret_uid) {
  static const char scheme[] = "Bearer ";
  const char *header = http_header(exchange, "Authorization");
  if (header == NULL || !str_starts(header, scheme))
    return false;
  const char *token = header + strlen(scheme);
  if (strlen(token) != TOKEN_LENGTH || !mem_equal_constant_time(token, api->token, TOKEN_LENGTH))
    return false;
  *ret_uid = api->owner_uid;
  return true;
}
