/* Servers refuse root, and what only root can do must not be needed: tests of the compute account's
 * work give root up at their start. */
#pragma once

/* Makes the whole program the account nobody where it is root. False when it can't. */
_Bool account_drop_root(void);
/* The name of the account that it is now. Static. */
const char *account_name(void);
