/* Methods host.*: what is Bough's by name and belongs to nothing that the caller knows. */
#include "agent/methods.h"

#include "agent/session.h"
#include "compute/proc.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Search {
  const RpcCall *call;
  char *pool;            /* resolved path with a slash at the end */
  json_t *processes;     /* {pid, volume} */
  json_t *shared_memory; /* {id, key} */
  json_t *directories;   /* paths */
} Search;

static void search_release(Search *search) {
  str_free(search->pool);
  json_free(search->processes);
  json_free(search->shared_memory);
  json_free(search->directories);
}

static bool is_listed(const RpcCall *call, const char *key, const char *id) {
  size_t at = 0;
  const json_t *value = NULL;
  json_array_foreach(json_object_get(call->params, key), at, value) {
    if (str_equal(json_string_value(value), id))
      return true;
  }
  return false;
}

/* The volume that a path below the pool belongs to, owned; NULL for none. */
static char *volume_of(const Search *search, const char *path) {
  if (!str_starts(path, search->pool))
    return NULL;
  AUTO(str_free) char *copy = str_dup(path + strlen(search->pool));
  char *rest = copy;
  for (const char *part = NULL; (part = strsep(&rest, "/")) != NULL;)
    if (id_check("vol", part))
      return str_dup(part);
  return NULL;
}

static void add_process(void *context, const ComputeProcess *process, const char *directory) {
  Search *search = context;
  AUTO(str_free) char *volume = volume_of(search, directory);
  if (volume != NULL && !is_listed(search->call, "volumes", volume))
    (void)json_array_append_new(
        search->processes, json_pack("{s:i, s:s}", "pid", (int)process->pid, "volume", volume));
}

/* Segments of this account that nobody is attached to and whose maker is gone. In user mode they
 * may be of any PostgreSQL of the user's; they are only reported. */
static void find_memory(Search *search) {
  FILE *list = fopen("/proc/sysvipc/shm", "re");
  char line[512];
  while (list != NULL && fgets(line, sizeof line, list) != NULL) {
    long key = 0;
    int id = 0;
    int maker = 0;
    unsigned long attached = 0;
    unsigned uid = 0;
    if (sscanf(line, "%ld %d %*o %*u %d %*d %lu %u", &key, &id, &maker, &attached, &uid) ==
            5 && // NOLINT
        uid == geteuid() &&
        attached == 0 && process_start_time(maker) == 0)
      (void)json_array_append_new(search->shared_memory,
                                  json_pack("{s:i, s:I}", "id", id, "key", (json_int_t)key));
  }
  if (list != NULL)
    (void)fclose(list);
}

static bool find_directories(Search *search, const char *parent, const char *prefix,
                             const char *listed, Error *err) {
  DIR *directory = opendir(parent);
  if (directory == NULL)
    return errno == ENOENT || error_set_errno(err, errno, "could not list \"%s\"", parent);
  for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    AUTO(str_free) char *path = path_join(parent, entry->d_name);
    if (id_check(prefix, entry->d_name) && !is_listed(search->call, listed, entry->d_name))
      (void)json_array_append_new(search->directories, json_string(path));
  }
  (void)closedir(directory);
  return true;
}

static bool check_lists(const RpcCall *call, Error *err) {
  if (json_is_array(json_object_get(call->params, "volumes")) &&
      json_is_array(json_object_get(call->params, "endpoints")))
    return true;
  return error_set(err, ERROR_USAGE, "\"volumes\" and \"endpoints\" must be lists");
}

static bool search_host(const Session *session, const RpcCall *call, Search *search, Error *err) {
  char resolved[PATH_MAX];
  const Home *home = session->home;
  AUTO(str_free) char *settings = home_path(home, "compute");
  if (!check_lists(call, err))
    return false;
  *search = (Search){.call = call,
                     .processes = json_array(),
                     .shared_memory = json_array(),
                     .directories = json_array()};
  bool has_pool = home->pool_path != NULL && realpath(home->pool_path, resolved) != NULL;
  search->pool = has_pool ? path_join(resolved, "") : NULL;
  find_memory(search);
  return (!has_pool || proc_each_postgres(add_process, search, err)) &&
         find_directories(search, settings, "vol", "volumes", err) &&
         find_directories(search, home->run, "ep", "endpoints", err);
}

bool host_leftovers_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  AUTO_RELEASE(search_release) Search search = {0};
  if (!search_host(context, call, &search, err))
    return false;
  *ret = json_pack("{s:O, s:O, s:O}", "processes", search.processes, "shared_memory",
                   search.shared_memory, "directories", search.directories);
  return true;
}

bool host_clear_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  AUTO_RELEASE(search_release) Search search = {0};
  size_t at = 0;
  const json_t *path = NULL;
  if (!search_host(context, call, &search, err))
    return false;
  json_array_foreach(search.directories, at, path) {
    if (!io_remove_tree(json_string_value(path), err))
      return false;
  }
  return true;
}
