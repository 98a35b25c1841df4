/* Finds the token for GitHub. */
#include "scm/github_token.h"

#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOKEN_LIMIT = 4096, GH_MS = 10 * 1000, PASSWD_BYTES = 4096 };

void github_token_free(char *token) {
  if (token != NULL)
    explicit_bzero(token, strlen(token));
  str_free(token);
}

/* A copy without the end of the line; NULL for an empty one. */
static char *trimmed(const char *text) {
  size_t length = text != NULL ? strcspn(text, "\r\n") : 0;
  return length > 0 ? str_ndup(text, length) : NULL;
}

static bool check_host(const Home *home, const char *host, Error *err) {
  const char *declared = json_string_or(home->config, "github_host", getenv("GH_HOST"));
  if (str_equal(host, "github.com") || (declared != NULL && strcasecmp(host, declared) == 0))
    return true;
  (void)error_set(err, ERROR_FORBIDDEN, "the server's token doesn't go to \"%.100s\"", host);
  return error_hint(err,
                    "whoever runs the server names it: \"github_host\" in config.json, or GH_HOST");
}

/* ---- a file ---- */

static bool read_private(const char *path, char **ret, Error *err) {
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  struct stat status;
  char text[TOKEN_LIMIT + 1];
  if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
    return error_set(err, ERROR_IO, "github_token_file \"%.200s\" can't be read", path);
  if ((status.st_mode & 07) != 0) {
    (void)error_set(err, ERROR_IO, "github_token_file \"%.200s\" can be read by anybody", path);
    return error_hint(err, "let only the account of boughd read it: chmod 0400");
  }
  ssize_t length = read(fd, text, TOKEN_LIMIT);
  text[length > 0 ? length : 0] = '\0';
  *ret = trimmed(text);
  explicit_bzero(text, sizeof text);
  return *ret != NULL ||
         error_set(err, ERROR_IO, "github_token_file \"%.200s\" holds no token", path);
}

/* ---- the environment ---- */

static char *from_environment(const char *host) {
  static const char *const names[][2] = {{"GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"},
                                         {"GH_TOKEN", "GITHUB_TOKEN"}};
  const char *const *names_here = names[str_equal(host, "github.com")];
  char *token = trimmed(getenv(names_here[0]));
  return token != NULL ? token : trimmed(getenv(names_here[1]));
}

/* ---- gh ---- */

/* Its settings lie in the home directory of whoever runs the server. */
static char *home_variable(void) {
  struct passwd entry;
  struct passwd *found = NULL;
  char bytes[PASSWD_BYTES];
  bool known = getpwuid_r(geteuid(), &entry, bytes, sizeof bytes, &found) == 0 && found != NULL;
  return str_format("HOME=%s", known ? found->pw_dir : "/nonexistent");
}

static char *from_gh(const char *host) {
  AUTO(str_free) char *home = home_variable();
  const char *directory = getenv("GH_CONFIG_DIR");
  AUTO(str_free)
  char *settings = directory != NULL ? str_format("GH_CONFIG_DIR=%s", directory) : NULL;
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  ProcessOptions options = PROCESS_OPTIONS;
  Error ignored = ERROR_INIT; /* no gh, no token */
  options.environment = (const char *const[]){"PATH=/usr/local/bin:/usr/bin:/bin",
                                              "LANG=C.UTF-8",
                                              "GH_PROMPT_DISABLED=1",
                                              "GH_NO_UPDATE_NOTIFIER=1",
                                              home,
                                              settings,
                                              NULL};
  options.timeout_ms = GH_MS;
  if (!process_run((const char *const[]){"gh", "auth", "token", "--hostname", host, NULL}, &options,
                   &result, &ignored) ||
      result.status != 0)
    return NULL;
  char *token = trimmed(result.output);
  explicit_bzero(result.output, strlen(result.output));
  return token;
}

bool github_token(const Home *home, const char *host, char **ret, Error *err) {
  const char *path = json_string_or(home->config, "github_token_file", NULL);
  if (!check_host(home, host, err))
    return false;
  if (path != NULL)
    return read_private(path, ret, err);
  char *token = from_environment(host);
  token = token != NULL ? token : from_gh(host);
  if (token == NULL) {
    (void)error_set(err, ERROR_FORGE_REFUSED, "the server has no token for %.100s", host);
    return error_hint(err, "docs/github.md says where it may come from");
  }
  *ret = token;
  return true;
}
