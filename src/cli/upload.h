/* Files on their way to the server, in pieces. */
#pragma once

#include "cli/command.h"
#include "cli/words.h"

/* Sends the files ("-" is stdin) and sets *ret to [{"upload","name"}], owned by the caller. On
 * failure nothing of them is left on the server. */
CHECKED bool upload_files(Cli *cli, const Words *paths, json_t **ret, Error *err);

/* Removes uploads that are not needed any more; a failure doesn't matter. NULL is fine. */
void upload_discard(Cli *cli, const json_t *uploads);
