/* The accounts that Bough's processes run as. */
#include "setup/setup.h"

#include "core/process.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TOOL_TIMEOUT_MS = 30 * 1000 };

static bool run_tool(const char *const *argv, Error *err) {
  ProcessOptions options = PROCESS_OPTIONS;
  options.timeout_ms = TOOL_TIMEOUT_MS;
  return process_check(argv, &options, err);
}

static bool make_account(const Setup *setup, const char *name, Error *err) {
  setup_say(setup, "making account %s", name);
  const char *argv[] = {"useradd",      "--system",
                        "--user-group", "--no-create-home",
                        "--home-dir",   "/nonexistent",
                        "--shell",      "/usr/sbin/nologin",
                        name,           NULL};
  return run_tool(argv, err) || error_prefix(err, "could not make account \"%s\"", name);
}

/* An account of that name that a person logs in with isn't ours to use. */
static bool check_account(const struct passwd *entry, Error *err) {
  bool is_service = str_ends(entry->pw_shell, "/nologin") || str_ends(entry->pw_shell, "/false");
  if (entry->pw_uid != 0 && is_service)
    return true;
  (void)error_set(err, ERROR_UNSUPPORTED,
                  "there is an account \"%s\" that somebody can log in with", entry->pw_name);
  return error_hint(err, "Bough needs that name for a service account; rename the other one");
}

static bool see_to_account(const Setup *setup, const char *name, Account *ret, Error *err) {
  if (getpwnam(name) == NULL && !make_account(setup, name, err))
    return false;
  const struct passwd *entry = getpwnam(name);
  if (entry == NULL)
    return error_set(err, ERROR_IO, "account \"%s\" can't be found", name);
  if (!check_account(entry, err))
    return false;
  *ret = (Account){.uid = entry->pw_uid, .gid = entry->pw_gid};
  (void)snprintf(ret->name, sizeof ret->name, "%s", name);
  return true;
}

/* boughd reaches the agent's socket, the computes' and the runner's through the groups. */
static bool see_to_membership(const Account *member, const Account *group, Error *err) {
  const struct group *entry = getgrgid(group->gid);
  if (entry == NULL)
    return error_set(err, ERROR_IO, "the group of account \"%s\" can't be found", group->name);
  for (char *const *name = entry->gr_mem; *name != NULL; name++)
    if (str_equal(*name, member->name))
      return true;
  const char *argv[] = {"usermod", "--append", "--groups", entry->gr_name, member->name, NULL};
  return run_tool(argv, err);
}

static bool own_account(Account *ret, Error *err) {
  const struct passwd *entry = getpwuid(geteuid());
  if (entry == NULL)
    return error_set(err, ERROR_IO, "there is no account with the number %u", geteuid());
  *ret = (Account){.uid = entry->pw_uid, .gid = entry->pw_gid};
  (void)snprintf(ret->name, sizeof ret->name, "%s", entry->pw_name);
  return true;
}

bool setup_accounts(Setup *setup, Error *err) {
  Account own = {0};
  if (!own_account(&own, err))
    return false;
  setup->owner_uid = own.uid;
  (void)snprintf(setup->owner_name, sizeof setup->owner_name, "%s", own.name);
  if (!setup->system_mode) {
    setup->control = setup->compute = setup->command = own;
    return true;
  }
  return see_to_account(setup, "bough", &setup->control, err) &&
         see_to_account(setup, "bough-compute", &setup->compute, err) &&
         see_to_account(setup, "bough-command", &setup->command, err) &&
         see_to_membership(&setup->control, &setup->compute, err) &&
         see_to_membership(&setup->control, &setup->command, err);
}
