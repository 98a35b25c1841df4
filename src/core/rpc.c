/* Framed JSON over unix sockets. */
#include "core/rpc.h"

#include "core/io.h"
#include "core/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LISTEN_BACKLOG = 512 };

void frame_release(Frame *frame) {
  json_free(frame->message);
  mem_free(frame->blob);
  *frame = (Frame){0};
}

char *frame_encode(const json_t *message, const void *blob, size_t blob_length,
                   size_t *ret_length) {
  AUTO(str_free) char *text = json_text(message);
  size_t text_length = strlen(text);
  uint32_t lengths[2] = {htonl((uint32_t)text_length), htonl((uint32_t)blob_length)};
  Buffer buffer = {0};
  buffer_add(&buffer, lengths, sizeof lengths);
  buffer_add(&buffer, text, text_length);
  buffer_add(&buffer, blob, blob_length);
  *ret_length = buffer.length;
  return buffer_steal(&buffer);
}

bool frame_decode_header(const unsigned char header[RPC_HEADER_SIZE], size_t *ret_json,
                         size_t *ret_blob, Error *err) {
  uint32_t lengths[2];
  memcpy(lengths, header, sizeof lengths);
  size_t json = ntohl(lengths[0]);
  size_t blob = ntohl(lengths[1]);
  if (json > RPC_LIMIT || blob > RPC_LIMIT)
    return error_set(err, ERROR_TOO_LARGE, "a message of %zu and %zu bytes", json, blob);
  *ret_json = json;
  *ret_blob = blob;
  return true;
}

static bool send_all(int fd, const char *bytes, size_t length, Error *err) {
  while (length > 0) {
    ssize_t count = send(fd, bytes, length, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return error_set_errno(err, errno, "could not send");
    bytes += count;
    length -= (size_t)count;
  }
  return true;
}

/* Reads length bytes; false without err->code when the stream ends before the first one. */
static bool receive_all(int fd, void *bytes, size_t length, Error *err) {
  size_t done = 0;
  while (done < length) {
    ssize_t count = read(fd, (char *)bytes + done, length - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return error_set_errno(err, errno, "could not receive");
    if (count == 0)
      return done == 0 ? false : error_set(err, ERROR_IO, "the connection was cut");
    done += (size_t)count;
  }
  return true;
}

bool frame_write(int fd, const json_t *message, const void *blob, size_t blob_length, Error *err) {
  size_t length = 0;
  AUTO(str_free) char *bytes = frame_encode(message, blob, blob_length, &length);
  size_t ignored = 0; /* refused here already: the other side would give the connection up */
  if (!frame_decode_header((const unsigned char *)bytes, &ignored, &ignored, err))
    return false;
  return send_all(fd, bytes, length, err);
}

bool frame_read(int fd, Frame *ret, bool *ret_end, Error *err) {
  unsigned char header[RPC_HEADER_SIZE];
  Error failure = ERROR_INIT;
  if (!receive_all(fd, header, sizeof header, &failure)) {
    if (failure.code != ERROR_NONE)
      return error_set(err, failure.code, "%s", failure.message);
    *ret_end = true;
    return true;
  }
  size_t json_length = 0;
  size_t blob_length = 0;
  if (!frame_decode_header(header, &json_length, &blob_length, err))
    return false;
  AUTO(str_free) char *text = mem_new(json_length + 1, 1);
  AUTO(str_free) char *blob = blob_length > 0 ? mem_new(blob_length, 1) : NULL;
  if ((json_length > 0 && !receive_all(fd, text, json_length, err)) ||
      (blob_length > 0 && !receive_all(fd, blob, blob_length, err)))
    return (err != NULL && err->code != ERROR_NONE)
               ? false
               : error_set(err, ERROR_IO, "the connection was cut");
  json_t *message = NULL;
  if (!json_parse(text, json_length, &message, err))
    return false;
  *ret = (Frame){.message = message, .blob = STEAL(blob), .blob_length = blob_length};
  *ret_end = false;
  return true;
}

bool rpc_call(int fd, const char *method, const json_t *params, RpcProgress *on_progress,
              void *context, json_t **ret, Error *err) {
  AUTO(json_free)
  json_t *request = json_pack("{s:s, s:O*}", "method", method, "params", (json_t *)params);
  Error failure = ERROR_INIT;
  if (!frame_write(fd, request, NULL, 0, &failure))
    return error_set(err, ERROR_AGENT_DOWN, "%s: %s", method, failure.message);
  for (;;) {
    AUTO_RELEASE(frame_release) Frame frame = {0};
    bool end = false;
    if (!frame_read(fd, &frame, &end, &failure) || end)
      return error_set(err, ERROR_AGENT_DOWN, "%s: %s", method,
                       end ? "the connection was closed" : failure.message);
    const json_t *progress = json_object_get(frame.message, "progress");
    if (progress != NULL) {
      if (on_progress != NULL)
        on_progress(context, progress);
      continue;
    }
    const json_t *error = json_object_get(frame.message, "error");
    if (error != NULL) {
      json_to_error(error, &failure);
      if (err != NULL)
        *err = failure;
      return false;
    }
    if (ret != NULL)
      *ret = json_incref(json_object_get(frame.message, "result"));
    return true;
  }
}

static void handle(const Frame *frame, int fd, const RpcMethod *methods, size_t count,
                   void *context, json_t **ret_answer) {
  Error failure = ERROR_INIT;
  json_t *result = NULL;
  json_t *params = json_object_get(frame->message, "params");
  AUTO(json_free) json_t *empty = json_object();
  RpcCall call = {.method = json_string_or(frame->message, "method", ""),
                  .params = json_is_object(params) ? params : empty,
                  .blob = frame->blob,
                  .blob_length = frame->blob_length,
                  .fd = fd};
  const RpcMethod *method = NULL;
  for (size_t at = 0; at < count && method == NULL; at++)
    if (str_equal(methods[at].name, call.method))
      method = &methods[at];
  bool ok = method != NULL ? method->handler(context, &call, &result, &failure)
                           : error_set(&failure, ERROR_INTERNAL, "no method \"%s\"", call.method);
  *ret_answer = ok ? json_pack("{s:o}", "result", result != NULL ? result : json_object())
                   : json_pack("{s:o}", "error", json_from_error(&failure));
}

bool rpc_serve(int fd, const RpcMethod *methods, size_t count, void *context, Error *err) {
  for (;;) {
    AUTO_RELEASE(frame_release) Frame frame = {0};
    bool end = false;
    if (!frame_read(fd, &frame, &end, err))
      return false;
    if (end)
      return true;
    AUTO(json_free) json_t *answer = NULL;
    handle(&frame, fd, methods, count, context, &answer);
    if (!frame_write(fd, answer, NULL, 0, err))
      return false;
  }
}

void rpc_report(const RpcCall *call, json_t *progress) {
  AUTO(json_free) json_t *message = json_pack("{s:o}", "progress", progress);
  Error ignored = ERROR_INIT;
  (void)!frame_write(call->fd, message, NULL, 0, &ignored);
}

/* sun_path holds 108 bytes, directories may be deeper: the socket is named through its directory's
 * descriptor, which is kept open while the address is in use. */
static bool socket_address(const char *path, struct sockaddr_un *ret, int *ret_directory,
                           Error *err) {
  AUTO(str_free) char *for_directory = str_dup(path);
  AUTO(str_free) char *for_name = str_dup(path);
  const char *name = basename(for_name);
  int directory = open(dirname(for_directory), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return error_set_errno(err, errno, "could not open the directory of \"%s\"", path);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int length =
      snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory, name);
  if (length < 0 || (size_t)length >= sizeof address.sun_path) {
    (void)close(directory);
    return error_set(err, ERROR_USAGE, "the socket name \"%s\" is too long", name);
  }
  *ret = address;
  *ret_directory = directory;
  return true;
}

bool rpc_connect(const char *path, int *ret, Error *err) {
  struct sockaddr_un address;
  AUTO_RELEASE(fd_release) int directory = -1;
  if (!socket_address(path, &address, &directory, err))
    return false;
  AUTO_RELEASE(fd_release) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
    return error_set_errno(err, errno, "could not connect to \"%s\"", path);
  *ret = fd;
  fd = -1;
  return true;
}

bool rpc_listen(const char *path, unsigned mode, int *ret, Error *err) {
  struct sockaddr_un address;
  AUTO_RELEASE(fd_release) int directory = -1;
  if (!io_remove_file(path, err) || !socket_address(path, &address, &directory, err))
    return false;
  AUTO_RELEASE(fd_release) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
      chmod(path, mode) != 0 || listen(fd, LISTEN_BACKLOG) != 0)
    return error_set_errno(err, errno, "could not listen on \"%s\"", path);
  *ret = fd;
  fd = -1;
  return true;
}

bool rpc_peer(int fd, unsigned *ret_uid, int *ret_pid, Error *err) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
    return error_set_errno(err, errno, "could not identify the caller");
  *ret_uid = peer.uid;
  *ret_pid = peer.pid;
  return true;
}
