/* Messages to "webhook_url" of config.json: what ends soon or has ended, what a schedule did. They
 * are queued in the transaction of what they tell, and delivered apart from it (docs/expiry.md has
 * their form and signature). */
#pragma once

#include "branch/context.h"

/* Queue a message; nothing where no webhook_url is set. */
CHECKED bool webhook_queue_branch(Context *context, const char *event, const BranchRow *branch,
                                  Error *err);
/* more: further members of the body, stolen. */
CHECKED bool webhook_queue(Context *context, const char *event, json_t *more, Error *err);

/* Delivers what is due, for some seconds at most. A failure ends the look: all go to one receiver,
 * and each is tried again later, the later the more often it failed. *ret_events: what to log. */
CHECKED bool webhook_deliver(Context *context, json_t **ret_events, Error *err);

/* "sha256=HEX" of HMAC-SHA256 over "TIME.BODY"; owned by the caller. */
char *webhook_signature(const char *secret, size_t secret_length, int64_t time_s, const char *body);
