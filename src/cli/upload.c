/* Streams files to /v1/uploads, 4 MiB at a time. */
#include "cli/upload.h"

#include "core/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_SIZE = 4 * 1024 * 1024, PIECE_TIMEOUT_MS = 60 * 1000 };

typedef struct Upload {
  Cli *cli;
  const char *id;
  const char *path;
  int64_t sent;
  int64_t size; /* 0: not known */
} Upload;

static bool open_input(const char *path, int *ret_fd, int64_t *ret_size, Error *err) {
  bool is_stdin = str_equal(path, "-");
  int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) {
    int saved = errno;
    fd_release(&fd);
    (void)error_set(err, ERROR_NOTHING_TO_DO, "could not open \"%s\": %s", path, strerror(saved));
    return false;
  }
  if (S_ISDIR(status.st_mode)) {
    fd_release(&fd);
    return error_set(err, ERROR_USAGE, "\"%s\" is a directory", path);
  }
  *ret_fd = fd;
  *ret_size = S_ISREG(status.st_mode) ? (int64_t)status.st_size : 0;
  return true;
}

/* Fills the piece; less than PIECE_SIZE only at the end of the file. */
static bool read_piece(int fd, const char *path, char *piece, size_t *ret_length, Error *err) {
  size_t length = 0;
  while (length < PIECE_SIZE) {
    ssize_t count = read(fd, piece + length, PIECE_SIZE - length);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return error_set_errno(err, errno, "could not read \"%s\"", path);
    if (count == 0)
      break;
    length += (size_t)count;
  }
  *ret_length = length;
  return true;
}

static bool send_piece(Upload *upload, const char *piece, size_t length, Error *err) {
  char path[128];
  AUTO(json_free) json_t *answer = NULL;
  (void)snprintf(path, sizeof path, "/v1/uploads/%.40s?offset=%lld", upload->id,
                 (long long)upload->sent);
  ClientCall call = {.method = "PUT",
                     .path = path,
                     .bytes = piece,
                     .length = length,
                     .timeout_ms = PIECE_TIMEOUT_MS,
                     .on_tick = output_tick,
                     .context = &upload->cli->output};
  if (!client_call(upload->cli->client, &call, &answer, err))
    return error_prefix(err, "sending \"%s\"", upload->path);
  upload->sent += (int64_t)length;
  AUTO(str_free) char *text = str_format("sending %s", upload->path);
  output_set_progress(&upload->cli->output, text, upload->sent, upload->size);
  return true;
}

static bool send_file(Upload *upload, int fd, Error *err) {
  AUTO(str_free) char *piece = mem_new(PIECE_SIZE, 1);
  for (;;) {
    size_t length = 0;
    if (!read_piece(fd, upload->path, piece, &length, err))
      return false;
    if (length == 0)
      return true;
    if (!send_piece(upload, piece, length, err))
      return false;
  }
}

static bool upload_file(Cli *cli, const char *path, json_t *list, Error *err) {
  AUTO_RELEASE(fd_release) int fd = -1;
  AUTO(json_free) json_t *answer = NULL;
  AUTO(json_free) json_t *empty = json_object();
  Upload upload = {.cli = cli, .path = path};
  if (!open_input(path, &fd, &upload.size, err) ||
      !cli_call(cli, "POST", "/v1/uploads", empty, &answer, err) ||
      !json_get_string(answer, "upload", &upload.id, err))
    return false;
  const char *slash = strrchr(path, '/');
  const char *name = str_equal(path, "-") ? "stdin" : slash != NULL ? slash + 1 : path;
  json_t *entry = json_pack("{s:s}", "upload", upload.id);
  json_t *text = json_string(name); /* NULL when the file's name isn't UTF-8 */
  (void)json_object_set_new(entry, "name", text != NULL ? text : json_string("file"));
  (void)json_array_append_new(list, entry);
  bool ok = send_file(&upload, fd, err);
  output_end_progress(&cli->output);
  return ok;
}

bool upload_files(Cli *cli, const Words *paths, json_t **ret, Error *err) {
  AUTO(json_free) json_t *list = json_array();
  for (size_t at = 0; at < paths->count; at++)
    if (!upload_file(cli, paths->words[at], list, err)) {
      upload_discard(cli, list);
      return false;
    }
  *ret = STEAL(list);
  return true;
}

void upload_discard(Cli *cli, const json_t *uploads) {
  size_t at = 0;
  const json_t *entry = NULL;
  json_array_foreach(uploads, at, entry) {
    Error ignored = ERROR_INIT;
    AUTO(json_free) json_t *answer = NULL;
    char path[128];
    (void)snprintf(path, sizeof path, "/v1/uploads/%.40s", json_string_or(entry, "upload", ""));
    (void)!cli_call(cli, "DELETE", path, NULL, &answer, &ignored);
  }
}
