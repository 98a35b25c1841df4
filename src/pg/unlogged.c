/* Finds unlogged relations by their init forks and makes them empty, as recovery would. */
#include "pg/cleanfiles.h"

#include "core/io.h"
#include "pg/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  BASE_DEPTH = 1,       /* base/DATABASE */
  TABLESPACE_DEPTH = 3, /* pg_tblspc/TABLESPACE/PG_15_.../DATABASE */
  FILE_NODE_DIGITS = 10,
};

typedef enum Fork { FORK_NONE, FORK_MAIN, FORK_INIT, FORK_OTHER } Fork;

/* File numbers of relations that have an init fork. */
typedef struct Nodes {
  uint32_t *values;
  size_t count, capacity;
} Nodes;

typedef struct Search {
  bool reset;
  int64_t count;
} Search;

static void nodes_release(Nodes *nodes) {
  mem_free(nodes->values);
}

static void nodes_add(Nodes *nodes, uint32_t node) {
  if (nodes->count == nodes->capacity) {
    nodes->capacity = nodes->capacity * 2 + 16;
    nodes->values = mem_resize(nodes->values, nodes->capacity, sizeof *nodes->values);
  }
  nodes->values[nodes->count++] = node;
}

static int compare_nodes(const void *a, const void *b) {
  uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
  return left < right ? -1 : left > right;
}

static bool nodes_have(const Nodes *nodes, uint32_t node) {
  return bsearch(&node, nodes->values, nodes->count, sizeof node, compare_nodes) != NULL;
}

static const char *skip_digits(const char *text) {
  return text + strspn(text, "0123456789");
}

/* "" or ".SEGMENT" */
static bool is_segment_suffix(const char *text) {
  return *text == '\0' || (skip_digits(text + 1) > text + 1 && *skip_digits(text + 1) == '\0');
}

/* NUMBER, NUMBER_init, NUMBER_fsm, NUMBER_vm, each perhaps with .SEGMENT behind. */
static Fork parse_name(const char *name, uint32_t *ret_node) {
  static const struct {
    const char *suffix;
    Fork fork;
  } forks[] = {{"", FORK_MAIN}, {"_init", FORK_INIT}, {"_fsm", FORK_OTHER}, {"_vm", FORK_OTHER}};
  const char *suffix = skip_digits(name);
  size_t length = strcspn(suffix, ".");
  if (suffix == name || suffix - name > FILE_NODE_DIGITS || !is_segment_suffix(suffix + length))
    return FORK_NONE;
  unsigned long node = strtoul(name, NULL, 10);
  if (node > UINT32_MAX)
    return FORK_NONE;
  *ret_node = (uint32_t)node;
  for (size_t at = 0; at < ARRAY_LENGTH(forks); at++)
    if (strlen(forks[at].suffix) == length && memcmp(forks[at].suffix, suffix, length) == 0)
      return forks[at].fork;
  return FORK_NONE;
}

static bool find_nodes(DIR *database, Nodes *ret, Error *err) {
  for (const char *name;;) {
    if (!dir_next(database, &name, err))
      return false;
    if (name == NULL)
      return true;
    uint32_t node;
    if (parse_name(name, &node) == FORK_INIT)
      nodes_add(ret, node);
  }
}

static bool remove_other_forks(DIR *database, const Nodes *nodes, Error *err) {
  rewinddir(database);
  for (const char *name;;) {
    if (!dir_next(database, &name, err))
      return false;
    if (name == NULL)
      return true;
    uint32_t node;
    Fork fork = parse_name(name, &node);
    if ((fork == FORK_MAIN || fork == FORK_OTHER) && nodes_have(nodes, node) &&
        unlinkat(dirfd(database), name, 0) != 0)
      return error_set_errno(err, errno, "could not remove \"%s\"", name);
  }
}

static bool copy_bytes(int from, int to, Error *err) {
  for (char chunk[8192];;) {
    ssize_t count = read(from, chunk, sizeof chunk);
    if (count < 0)
      return error_set_errno(err, errno, "could not read");
    if (count == 0)
      return true;
    if (!io_write(to, chunk, (size_t)count, err))
      return false;
  }
}

/* The init fork is what an empty relation of its kind looks like. */
static bool copy_init_fork(int database, uint32_t node, Error *err) {
  AUTO(str_free) char *main_name = str_format("%u", node);
  AUTO(str_free) char *init_name = str_format("%u_init", node);
  AUTO_RELEASE(fd_release)
  int from = openat(database, init_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (from < 0)
    return error_set_errno(err, errno, "could not open \"%s\"", init_name);
  AUTO_RELEASE(fd_release)
  int to = openat(database, main_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (to < 0)
    return error_set_errno(err, errno, "could not create \"%s\"", main_name);
  if (!copy_bytes(from, to, err))
    return error_prefix(err, "\"%s\"", main_name);
  if (fsync(to) != 0)
    return error_set_errno(err, errno, "could not flush \"%s\"", main_name);
  return true;
}

static bool reset_database(DIR *database, Nodes *nodes, Error *err) {
  qsort(nodes->values, nodes->count, sizeof *nodes->values, compare_nodes);
  if (!remove_other_forks(database, nodes, err))
    return false;
  for (size_t at = 0; at < nodes->count; at++)
    if (!copy_init_fork(dirfd(database), nodes->values[at], err))
      return false;
  if (fsync(dirfd(database)) != 0)
    return error_set_errno(err, errno, "could not flush a database's directory");
  return true;
}

static bool search_database(DIR *database, Search *search, Error *err) {
  AUTO_RELEASE(nodes_release) Nodes nodes = {0};
  if (!find_nodes(database, &nodes, err))
    return false;
  search->count += (int64_t)nodes.count;
  return !search->reset || nodes.count == 0 || reset_database(database, &nodes, err);
}

/* Databases are depth directories below name. Links lead to the source's tablespaces: what lies
 * behind them is not this branch's to reset. */
static bool search_below(int parent, const char *name, int depth, Search *search, Error *err) {
  AUTO_RELEASE(dir_release) DIR *directory = NULL;
  if (!dir_open_at(parent, name, &directory, err))
    return false;
  if (directory == NULL)
    return true;
  if (depth == 0)
    return search_database(directory, search, err);
  for (const char *entry;;) {
    if (!dir_next(directory, &entry, err))
      return false;
    if (entry == NULL)
      return true;
    if (!search_below(dirfd(directory), entry, depth - 1, search, err))
      return error_prefix(err, "\"%s\"", entry);
  }
}

bool clean_unlogged(const char *data_directory, bool reset, int64_t *ret_count, Error *err) {
  Search search = {.reset = reset};
  AUTO_RELEASE(fd_release) int data = open(data_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (data < 0)
    return error_set_errno(err, errno, "could not open \"%s\"", data_directory);
  if (!search_below(data, "base", BASE_DEPTH, &search, err) ||
      !search_below(data, "pg_tblspc", TABLESPACE_DEPTH, &search, err))
    return error_prefix(err, "\"%s\"", data_directory);
  *ret_count = search.count;
  return true;
}
