/* Keeps Bough's block in .env. */
#include "cli/scm_env.h"

#include "core/io.h"
#include "core/str.h"

#include <string.h>
#include <sys/stat.h>

#define BEGIN "# >>> bough: kept by `git checkout`, without any secret\n"
#define END "# <<< bough\n"
#define BEGIN_MARK "# >>> bough"

enum { ENV_LIMIT = 1024 * 1024 };

/* A value that a shell, and every reader of such files, takes as it is. */
static void add_line(Buffer *block, const char *name, const char *value) {
  if (value == NULL || strpbrk(value, "'\n\r") != NULL)
    return;
  bool is_plain = value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789._:/@%?=&-")] == '\0';
  buffer_add_format(block, is_plain ? "%s=%s\n" : "%s='%s'\n", name, value);
}

char *scm_env_block(const json_t *answer) {
  Buffer block = {0};
  const json_t *branch = json_object_get(answer, "branch");
  const char *name = json_string_or(branch, "name", NULL);
  const char *host = json_string_or(branch, "host", NULL);
  AUTO(str_free)
  char *port = str_format("%lld", (long long)json_integer_or(branch, "port", 0));
  AUTO(str_free)
  char *database = name != NULL ? str_format("%s@%s", json_string_or(branch, "database", ""),
                                             json_string_or(branch, "place", name))
                                : NULL;
  buffer_add_text(&block, BEGIN);
  add_line(&block, "BOUGH_PROJECT", json_string_or(answer, "project", NULL));
  add_line(&block, "BOUGH_BRANCH", name);
  add_line(&block, "LAKEBASE_PROJECT_ID",
           json_string_or(json_object_get(answer, "state_file"), "project_id", NULL));
  add_line(&block, "LAKEBASE_BRANCH_ID", json_string_or(branch, "id", NULL));
  if (host != NULL) {
    add_line(&block, "PGHOST", host);
    add_line(&block, "PGPORT", port);
    add_line(&block, "PGUSER", json_string_or(branch, "user", NULL));
    add_line(&block, "PGDATABASE", database);
  }
  add_line(&block, "DATABASE_URL", json_string_or(branch, "url", NULL));
  add_line(&block, "BOUGH_PASSWORD_COMMAND", "bough scm password");
  buffer_add_text(&block, END);
  return buffer_steal(&block);
}

/* The block of an earlier time, from its first line to its last. A first line without a last one
 * before the next block begins is left alone: what stands below it is somebody's. */
static const char *find_block(const char *text, const char **ret_end) {
  const char *begin = NULL;
  for (const char *at = text; *at != '\0';) {
    if (str_starts(at, BEGIN_MARK))
      begin = at;
    const char *next = at + strcspn(at, "\n");
    next += *next == '\n';
    if (begin != NULL && str_starts(at, END)) {
      *ret_end = next;
      return begin;
    }
    at = next;
  }
  return NULL;
}

char *scm_env_replace(const char *text, const char *block) {
  Buffer result = {0};
  const char *end = NULL;
  const char *begin = find_block(text, &end);
  if (begin != NULL) {
    buffer_add(&result, text, (size_t)(begin - text));
    buffer_add_text(&result, block);
    buffer_add_text(&result, end);
    return buffer_steal(&result);
  }
  buffer_add_text(&result, text);
  if (result.length > 0 && result.text[result.length - 1] != '\n')
    buffer_add_text(&result, "\n");
  buffer_add_text(&result, block);
  return buffer_steal(&result);
}

static bool read_env(const char *path, char **ret, mode_t *ret_mode, Error *err) {
  struct stat info;
  size_t length = 0;
  *ret_mode = 0600;
  if (lstat(path, &info) != 0) {
    *ret = str_dup("");
    return true;
  }
  if (!S_ISREG(info.st_mode))
    return error_set(err, ERROR_IO, "%s is no ordinary file: Bough doesn't write it", path);
  *ret_mode = info.st_mode & 0777;
  return io_read_file(path, ENV_LIMIT, ret, &length, err);
}

bool scm_env_write(const char *top, const json_t *answer, Error *err) {
  AUTO(str_free) char *path = path_join(top, ".env");
  AUTO(str_free) char *before = NULL;
  AUTO(str_free) char *block = scm_env_block(answer);
  mode_t mode = 0600;
  if (!read_env(path, &before, &mode, err))
    return false;
  AUTO(str_free) char *after = scm_env_replace(before, block);
  return str_equal(before, after) || io_write_file(path, after, strlen(after), mode, err);
}

bool scm_env_branch(const char *top, char **ret, Error *err) {
  AUTO(str_free) char *path = path_join(top, ".env");
  AUTO(str_free) char *text = NULL;
  mode_t mode = 0;
  const char *end = NULL;
  if (!read_env(path, &text, &mode, err))
    return false;
  const char *begin = find_block(text, &end);
  const char *line = begin != NULL ? strstr(begin, "\nBOUGH_BRANCH=") : NULL;
  *ret = NULL;
  if (begin == NULL)
    return true;
  line = line != NULL && line < end ? line + strlen("\nBOUGH_BRANCH=") : "";
  *ret = str_ndup(line, strcspn(line, "\n"));
  return true;
}
