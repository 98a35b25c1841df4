/* The pre-receive hook of Bough's own repositories: git runs it before a push moves anything, and
 * it asks boughd whether it may. git shows what it writes to whoever pushes. */
#include "core/io.h"
#include "core/json.h"
#include "core/rpc.h"
#include "core/str.h"
#include "git/git.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_LIMIT = 1024, UPDATES_LIMIT = 64, ANSWER_LIMIT = 8192 };

/* New objects are still apart from the repository's: git says where. */
static char *setting_of(const char *name) {
  const char *value = getenv(name);
  return str_format("%s=%s", name, value != NULL ? value : "");
}

/* Whether the old head isn't part of the new one any more. */
static bool is_forced(const char *old, const char *new, bool *ret, Error *err) {
  AUTO(str_free) char *objects = setting_of("GIT_OBJECT_DIRECTORY");
  AUTO(str_free) char *others = setting_of("GIT_ALTERNATE_OBJECT_DIRECTORIES");
  AUTO(str_free) char *quarantine = setting_of("GIT_QUARANTINE_PATH");
  const char *const environment[] = {objects, others, quarantine, NULL};
  AUTO(str_free) char *here = getcwd(NULL, 0);
  Git git = git_server(here);
  bool is_part = false;
  git.environment = environment;
  *ret = false;
  if (git_oid_is_zero(old) || git_oid_is_zero(new))
    return true;
  if (!git_is_ancestor(&git, old, new, &is_part, err))
    return false;
  *ret = !is_part;
  return true;
}

/* Ends the word that *line begins with and goes behind it. */
static const char *take_word(char **line) {
  char *word = *line;
  *line += strcspn(*line, " \n");
  if (**line != '\0')
    *(*line)++ = '\0';
  return word;
}

/* "OLD NEW REF" */
static bool read_update(char *line, json_t *updates, Error *err) {
  const char *old = take_word(&line);
  const char *new = take_word(&line);
  bool forced = false;
  if (!git_oid_check(old) || !git_oid_check(new))
    return error_set(err, ERROR_PROTOCOL, "git named no commits");
  if (!is_forced(old, new, &forced, err))
    return false;
  line[strcspn(line, "\n")] = '\0';
  json_t *ref = json_string(line);
  if (ref == NULL)
    return error_set(err, ERROR_INVALID_NAME, "the name of a branch is no text");
  (void)json_array_append_new(updates, json_pack("{s:o, s:s, s:s, s:b}", "ref", ref, "old", old,
                                                 "new", new, "forced", forced));
  return true;
}

static bool read_updates(json_t *updates, Error *err) {
  char line[LINE_LIMIT];
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (strchr(line, '\n') == NULL || json_array_size(updates) >= UPDATES_LIMIT)
      return error_set(err, ERROR_TOO_LARGE, "too many branches in one push, or too long a name");
    if (!read_update(line, updates, err))
      return false;
  }
  return true;
}

static bool read_answer(int fd, json_t **ret, Error *err) {
  char answer[ANSWER_LIMIT];
  size_t length = 0;
  for (ssize_t count = 1; count > 0 && length < sizeof answer; length += (size_t)count) {
    count = read(fd, answer + length, sizeof answer - length);
    if (count < 0)
      return error_set(err, ERROR_DAEMON_DOWN, "boughd went away");
  }
  return json_parse(answer, length, ret, err);
}

static bool ask(json_t *updates, Error *err) {
  const char *socket = getenv("BOUGH_GIT_SOCKET");
  const char *ticket = getenv("BOUGH_GIT_TICKET");
  AUTO_RELEASE(fd_release) int fd = -1;
  AUTO(json_free) json_t *answer = NULL;
  if (socket == NULL || ticket == NULL)
    return error_set(err, ERROR_FORBIDDEN, "a push comes in by boughd alone");
  AUTO(json_free)
  json_t *question =
      json_pack("{s:s, s:s, s:O}", "service", "pre-receive", "ticket", ticket, "updates", updates);
  AUTO(str_free) char *text = json_text(question);
  AUTO(str_free) char *line = str_format("%s\n", text);
  if (!rpc_connect(socket, &fd, err) || !io_write(fd, line, strlen(line), err) ||
      !read_answer(fd, &answer, err))
    return false;
  if (json_bool_or(answer, "ok", false))
    return true;
  json_to_error(json_object_get(answer, "error"), err);
  return false;
}

int main(void) {
  Error failure = ERROR_INIT;
  AUTO(json_free) json_t *updates = json_array();
  if (read_updates(updates, &failure) && ask(updates, &failure))
    return 0;
  (void)fprintf(stderr, "bough: %s (%s)\n", failure.message, error_info(failure.code)->code);
  if (failure.hint[0] != '\0')
    (void)fprintf(stderr, "bough: %s\n", failure.hint);
  return 1;
}
