/* Gives root up for a test program. */
#include "harness/account.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

bool account_drop_root(void) {
  if (geteuid() != 0)
    return true;
  const struct passwd *nobody = getpwnam("nobody");
  /* a change of account makes a process unreadable in /proc for itself, until it says otherwise */
  return nobody != NULL && setgroups(0, NULL) == 0 && setgid(nobody->pw_gid) == 0 &&
         setuid(nobody->pw_uid) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0;
}

const char *account_name(void) {
  const struct passwd *account = getpwuid(geteuid());
  return account != NULL ? account->pw_name : "nobody";
}
