/* Looks after the bare repositories: those of projects that are gone go, the others are packed. */
#include "scm/repository.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/str.h"
#include "pg/dir.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { PACK_SECONDS = 24 * 3600, PACK_TIMEOUT_MS = 20 * 60 * 1000 };

/* "prj-....git" */
static bool read_id(const char *name, char ret[ID_SIZE]) {
  size_t length = strlen(name);
  if (length >= ID_SIZE + 4 || length < 4 || !str_ends(name, ".git"))
    return false;
  memcpy(ret, name, length - 4);
  ret[length - 4] = '\0';
  return id_check("prj", ret);
}

static bool is_gone(Context *context, const char *id, bool *ret, Error *err) {
  ProjectRow project = {0};
  Error missing = ERROR_INIT;
  if (project_get(context->catalog, id, &project, &missing)) {
    *ret = project.state == ROW_DELETED;
    project_row_release(&project);
    return true;
  }
  *ret = missing.code == ERROR_PROJECT_NOT_FOUND;
  if (!*ret && err != NULL)
    *err = missing;
  return *ret;
}

/* When it was last packed is the time of a file of its own. */
static bool is_due(const char *mark) {
  struct stat status;
  return stat(mark, &status) != 0 ||
         clock_wall_us() / 1000000 - (int64_t)status.st_mtim.tv_sec > PACK_SECONDS;
}

/* What nothing leads to any more stays for git's own two weeks: CI may still look at it. */
static bool pack(const char *path, Error *err) {
  AUTO(str_free) char *mark = path_join(path, "bough-packed");
  Git git = git_server(path);
  git.timeout_ms = PACK_TIMEOUT_MS;
  return !is_due(mark) || (git_check(&git, GIT("gc", "--quiet", "--prune=2.weeks.ago"), err) &&
                           io_write_file(mark, "", 0, 0600, err));
}

static bool keep_one(Context *context, const char *name, Error *err) {
  char id[ID_SIZE];
  bool gone = false;
  AUTO(str_free) char *path = home_path(context->home, "git/%s", name);
  if (!read_id(name, id))
    return true; /* not one of ours */
  return is_gone(context, id, &gone, err) && (gone ? io_remove_tree(path, err) : pack(path, err));
}

bool repository_keep(Context *context, json_t **ret_events, Error *err) {
  AUTO_RELEASE(dir_release) DIR *folder = NULL;
  AUTO(str_free) char *path = home_path(context->home, "git");
  AUTO(json_free) json_t *events = json_array();
  const char *name = NULL;
  if (!dir_open_at(AT_FDCWD, path, &folder, err))
    return false;
  while (folder != NULL) {
    Error failure = ERROR_INIT;
    if (!dir_next(folder, &name, err))
      return false;
    if (name == NULL)
      break;
    if (!keep_one(context, name, &failure)) {
      (void)error_prefix(&failure, "repository %s", name);
      (void)json_array_append_new(events, json_line(failure.message));
    }
  }
  *ret_events = STEAL(events);
  return true;
}
