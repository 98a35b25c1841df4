/* Removes from a fresh copy of a data directory what belongs to its source alone. */
#include "pg/cleanfiles.h"

#include "core/io.h"
#include "pg/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum ItemKind {
  ITEM_KEEP,
  ITEM_REMOVE, /* whatever it is */
  ITEM_FILE,   /* the same, unless it's a directory */
  ITEM_EMPTY,  /* a directory that stays, without its contents */
  ITEM_LINKS,  /* a directory that stays, without the links in it */
} ItemKind;

typedef struct Item {
  const char *pattern; /* of names in the data directory */
  ItemKind kind;
  const char *reason; /* what the branch would do with it, or tell */
} Item;

/* The first row that matches decides; a directory that none matches is data and stays. */
static const Item items[] = {
    {"PG_VERSION", ITEM_KEEP, "the only file at the top that is data"},
    {"pg_wal", ITEM_KEEP, "the branch's own log, a link"},
    {"postmaster.pid", ITEM_REMOVE, "names the source's server, which would seem to run here"},
    {"postmaster.opts", ITEM_REMOVE, "the source's command line"},
    {"pg_replslot", ITEM_EMPTY, "slots would keep log for the source's consumers"},
    {"postgresql.conf", ITEM_REMOVE, "the source's settings run commands and hold secrets"},
    {"postgresql.auto.conf", ITEM_REMOVE, "the same by ALTER SYSTEM: primary_conninfo ..."},
    {"pg_hba.conf", ITEM_REMOVE, "who may enter the source"},
    {"pg_ident.conf", ITEM_REMOVE, "who may enter the source"},
    {"standby.signal", ITEM_REMOVE, "the branch would wait for a primary"},
    {"recovery.signal", ITEM_REMOVE, "the branch would ask for an archive"},
    {"backup_label*", ITEM_REMOVE, "recovery would start elsewhere than at the snapshot's redo"},
    {"tablespace_map*", ITEM_REMOVE, "recovery would link the source's tablespaces again"},
    {"pg_tblspc", ITEM_LINKS, "two servers would write to one tablespace"},
    {"log", ITEM_EMPTY, "server logs hold statements and their values"},
    {"pg_log", ITEM_EMPTY, "server logs hold statements and their values"},
    {"pg_stat", ITEM_EMPTY, "saved statistics, and texts of pg_stat_statements"},
    {"pg_stat_tmp", ITEM_EMPTY, "saved statistics, and texts of pg_stat_statements"},
    {"pg_dynshmem", ITEM_EMPTY, "shared memory of the source's server, where it lies in files"},
    {"*.key", ITEM_REMOVE, "private keys"},
    {"*", ITEM_FILE,
     "certificates, password files, logs, core dumps, histories of shells: what"
     " else stands at the top is an administrator's or the source's own"},
};

static const Item *find_item(const char *name) {
  const Item *item = items;
  while (fnmatch(item->pattern, name, 0) != 0)
    item++;
  return item;
}

static bool has_type(int directory, const char *name, mode_t type) {
  struct stat status;
  return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         (status.st_mode & S_IFMT) == type;
}

/* A link in the place of a directory leads out of the branch, and the server wants the directory.
 */
static bool make_directory_anew(int parent, const char *name, Error *err) {
  if (!io_remove_tree_at(parent, name, err))
    return false;
  if (mkdirat(parent, name, 0700) != 0)
    return error_set_errno(err, errno, "could not create directory \"%s\"", name);
  return true;
}

static bool empty_directory(int parent, const char *name, bool links_only, Error *err) {
  AUTO_RELEASE(dir_release) DIR *directory = NULL;
  if (!dir_open_at(parent, name, &directory, err))
    return false;
  if (directory == NULL)
    return make_directory_anew(parent, name, err);
  for (const char *entry;;) {
    if (!dir_next(directory, &entry, err))
      return false;
    if (entry == NULL)
      return true;
    if ((!links_only || has_type(dirfd(directory), entry, S_IFLNK)) &&
        !io_remove_tree_at(dirfd(directory), entry, err))
      return error_prefix(err, "\"%s\"", name);
  }
}

static bool clean_entry(int parent, const char *name, Error *err) {
  switch (find_item(name)->kind) {
  case ITEM_KEEP:
    return true;
  case ITEM_FILE:
    return has_type(parent, name, S_IFDIR) || io_remove_tree_at(parent, name, err);
  case ITEM_REMOVE:
    return io_remove_tree_at(parent, name, err);
  case ITEM_EMPTY:
    return empty_directory(parent, name, false, err);
  case ITEM_LINKS:
    return empty_directory(parent, name, true, err);
  }
  return true;
}

/* Opens a directory that has to be there. */
static bool open_data_directory(const char *path, DIR **ret, Error *err) {
  if (!dir_open_at(AT_FDCWD, path, ret, err))
    return false;
  return *ret != NULL || error_set(err, ERROR_IO, "\"%s\" is not a directory", path);
}

bool clean_files(const char *data_directory, Error *err) {
  AUTO_RELEASE(dir_release) DIR *directory = NULL;
  if (!open_data_directory(data_directory, &directory, err))
    return false;
  for (const char *name;;) {
    if (!dir_next(directory, &name, err))
      return false;
    if (name == NULL)
      return true;
    if (!clean_entry(dirfd(directory), name, err))
      return error_prefix(err, "\"%s\"", data_directory);
  }
}

bool clean_has_tablespaces(const char *data_directory, bool *ret, Error *err) {
  AUTO_RELEASE(dir_release) DIR *data = NULL;
  AUTO_RELEASE(dir_release) DIR *directory = NULL;
  if (!open_data_directory(data_directory, &data, err) ||
      !dir_open_at(dirfd(data), "pg_tblspc", &directory, err))
    return false;
  bool found = false;
  for (const char *name = ""; directory != NULL && !found && name != NULL;) {
    if (!dir_next(directory, &name, err))
      return false;
    found = name != NULL && has_type(dirfd(directory), name, S_IFLNK);
  }
  *ret = found;
  return true;
}
