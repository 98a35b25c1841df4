/* Landlock: what a process of this account is held back from, though the file modes would let it.
 *
 * All computes share one account, so file modes don't part them. Each is confined to its own
 * directories; of the system it reads what a PostgreSQL server needs, and it executes nothing but
 * itself: COPY ... PROGRAM and every *_command find no shell. Connecting to sockets with a path
 * isn't Landlock's (up to ABI 7): their owners check who calls. SysV and POSIX shared memory aren't
 * either: see conf.c for what a compute does without them. */
#include "compute/compute.h"

#include "compute/landlock.h"
#include "core/io.h"
#include "core/str.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READ_RIGHTS (LL_FS_READ_FILE | LL_FS_READ_DIR)
#define FILE_RIGHTS                                                                                \
  (LL_FS_EXECUTE | LL_FS_WRITE_FILE | LL_FS_READ_FILE | LL_FS_TRUNCATE | LL_FS_IOCTL_DEV)
/* No devices, fifos or links: a server makes none, except for tablespaces, which branches don't
 * have. */
#define WRITE_RIGHTS                                                                               \
  (READ_RIGHTS | LL_FS_WRITE_FILE | LL_FS_TRUNCATE | LL_FS_REMOVE_DIR | LL_FS_REMOVE_FILE |        \
   LL_FS_MAKE_DIR | LL_FS_MAKE_REG | LL_FS_MAKE_SOCK | LL_FS_REFER)
/* Of a command, in a directory where it is alone. */
#define COMMAND_RIGHTS (WRITE_RIGHTS | LL_FS_MAKE_SYM | LL_FS_MAKE_FIFO)

/* Of the system, where it exists. Rules hold for the file that a name has now, and passwd and the
 * like are replaced by renaming: so it is all of /etc, of which the account can read what everybody
 * can. */
static const struct {
  const char *path;
  uint64_t rights;
} system_paths[] = {
    {"/usr", READ_RIGHTS},                  /* libraries, extensions, time zones, locales */
    {"/lib", READ_RIGHTS},                  /* where it isn't a link into /usr */
    {"/lib64", READ_RIGHTS},                /* likewise */
    {"/etc", READ_RIGHTS},                  /* accounts, for peer authentication; ld.so.cache */
    {"/var/cache/postgresql", READ_RIGHTS}, /* Debian's text search dictionaries */
    {"/dev/null", LL_FS_READ_FILE | LL_FS_WRITE_FILE | LL_FS_TRUNCATE},
    {"/dev/zero", LL_FS_READ_FILE},
    {"/dev/urandom", LL_FS_READ_FILE},
    {"/dev/random", LL_FS_READ_FILE},
};

int confine_level(void) {
  long level = syscall(SYS_landlock_create_ruleset, NULL, 0, LL_CREATE_RULESET_VERSION);
  return level > 0 ? (int)level : 0;
}

/* The file rights that this ABI knows: naming others is an error, not naming one leaves it open. */
static uint64_t known_rights(int level) {
  uint64_t rights = (LL_FS_MAKE_SYM << 1) - 1;
  if (level >= LL_ABI_REFER)
    rights |= LL_FS_REFER;
  if (level >= LL_ABI_TRUNCATE)
    rights |= LL_FS_TRUNCATE;
  if (level >= LL_ABI_IOCTL_DEV)
    rights |= LL_FS_IOCTL_DEV;
  return rights;
}

static size_t ruleset_size(int level) {
  if (level >= LL_ABI_SCOPE)
    return sizeof(LandlockRuleset);
  return level >= LL_ABI_NETWORK ? offsetof(LandlockRuleset, scoped)
                                 : offsetof(LandlockRuleset, handled_net);
}

typedef struct Rules {
  int fd;
  uint64_t known;
} Rules;

static void rules_release(Rules *rules) {
  fd_release(&rules->fd);
}

static Rules create_rules(int level, bool network) {
  LandlockRuleset ruleset = {.handled_fs = known_rights(level)};
  if (level >= LL_ABI_NETWORK && !network)
    ruleset.handled_net = LL_NET_BIND_TCP | LL_NET_CONNECT_TCP;
  if (level >= LL_ABI_SCOPE)
    ruleset.scoped = LL_SCOPE_ABSTRACT_UNIX_SOCKET | LL_SCOPE_SIGNAL;
  return (Rules){
      .fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, ruleset_size(level), 0),
      .known = ruleset.handled_fs,
  };
}

static bool allow(const Rules *rules, const char *path, uint64_t rights, Error *err) {
  AUTO_RELEASE(fd_release) int fd = open(path, O_PATH | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0)
    return error_set_errno(err, errno, "could not open \"%s\" for the confinement", path);
  LandlockPathRule rule = {
      .allowed = rights & rules->known & (S_ISDIR(status.st_mode) ? ~UINT64_C(0) : FILE_RIGHTS),
      .parent = fd,
  };
  if (syscall(SYS_landlock_add_rule, rules->fd, LL_RULE_PATH_BENEATH, &rule, 0) != 0)
    return error_set_errno(err, errno, "could not allow \"%s\" in the confinement", path);
  return true;
}

static bool allow_each(const Rules *rules, const char *const *paths, uint64_t rights, Error *err) {
  for (size_t at = 0; paths != NULL && paths[at] != NULL; at++)
    if (!allow(rules, paths[at], rights, err))
      return false;
  return true;
}

/* The first object of the list is this program: its PT_INTERP names the dynamic loader. */
static int find_loader(struct dl_phdr_info *info, size_t size, void *context) {
  const char **loader = context;
  for (ElfW(Half) at = 0; at < info->dlpi_phnum; at++)
    if (info->dlpi_phdr[at].p_type == PT_INTERP)
      *loader = (const char *)(info->dlpi_addr + info->dlpi_phdr[at].p_vaddr); // NOLINT
  return 1;
}

/* The kernel asks for the right to execute twice: for the program and for its loader. Shared
 * libraries are mapped, which takes the right to read only. */
static bool allow_executables(const Rules *rules, const Confinement *confinement, Error *err) {
  const char *loader = NULL;
  (void)dl_iterate_phdr(find_loader, &loader);
  uint64_t rights = LL_FS_EXECUTE | LL_FS_READ_FILE;
  return allow_each(rules, confinement->executable, rights, err) &&
         (loader == NULL || allow(rules, loader, rights, err));
}

static bool allow_system(const Rules *rules, Error *err) {
  for (size_t at = 0; at < ARRAY_LENGTH(system_paths); at++)
    if (io_exists(system_paths[at].path) &&
        !allow(rules, system_paths[at].path, system_paths[at].rights, err))
      return false;
  return true;
}

static bool restrict_self(int level, const Confinement *confinement, Error *err) {
  AUTO_RELEASE(rules_release) Rules rules = create_rules(level, confinement->network);
  if (rules.fd < 0)
    return error_set_errno(err, errno, "could not begin the confinement");
  uint64_t writing = confinement->is_command ? COMMAND_RIGHTS : WRITE_RIGHTS;
  if (!allow_system(&rules, err) || !allow_each(&rules, confinement->readable, READ_RIGHTS, err) ||
      !allow_each(&rules, confinement->writable, writing, err) ||
      !allow_executables(&rules, confinement, err))
    return false;
  if (syscall(SYS_landlock_restrict_self, rules.fd, 0) != 0)
    return error_set_errno(err, errno, "could not confine the process");
  return true;
}

bool confine(const Confinement *confinement, int *ret_level, Error *err) {
  /* also without Landlock: no set-uid program gives the account more than it has */
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return error_set_errno(err, errno, "could not give up new privileges");
  int level = confine_level();
  if (level > 0 && !restrict_self(level, confinement, err))
    return false;
  *ret_level = level;
  return true;
}
