/* The one line that a connection to git.sock begins with: JSON of at most GIT_REQUEST_LIMIT bytes.
 *
 *   {"service":"upload-pack"|"receive-pack", "project":"NAME"|"-", "token":"bough_..."?}
 *   {"service":"pre-receive", "ticket":"push-...", "updates":[{"ref","old","new","forced"}]}
 *
 * boughd answers with one line, {"ok":true} or {"ok":false,"error":{...}}. Behind a "true" git
 * itself speaks, with the socket as its stdin and stdout: so nothing may come before that answer.
 * The second form is the pre-receive hook's: git's own program run by boughd, which names the push
 * it is part of. */
#pragma once

#include "core/json.h"
#include "core/name.h"
#include "scm/repository.h"

enum { GIT_REQUEST_LIMIT = 32 * 1024, GIT_TOKEN_LIMIT = 128, GIT_UPDATES_LIMIT = 64 };

typedef enum GitService { GIT_UPLOAD_PACK, GIT_RECEIVE_PACK, GIT_PRE_RECEIVE } GitService;
const char *git_service_text(GitService service); /* "upload-pack" */

typedef struct GitRequest {
  GitService service;
  json_t *message;     /* holds the texts; owned */
  const char *project; /* "-": the only one; of the first form, like token */
  const char *token;   /* NULL: the kernel says who it is */
  const char *ticket;  /* of the second form, like updates */
  PushedRef updates[GIT_UPDATES_LIMIT];
  size_t update_count;
} GitRequest;
void git_request_release(GitRequest *request);

/* The line without its end. ret is {0} before. PROTOCOL, TOO_LARGE. */
CHECKED bool git_request_parse(const char *line, size_t length, GitRequest *ret, Error *err);
/* Reads updates alone, an array as above of at most GIT_UPDATES_LIMIT; texts stay json's. How many
 * a push may have is repository_ask_push's to say. */
CHECKED bool git_updates_read(const json_t *updates, PushedRef *ret, size_t *ret_count, Error *err);
