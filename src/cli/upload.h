/* Files on their way to the server, in pieces. */
#pragma once

#include "cli/command.h"
#include "cli/words.h"

/* Sends the files ("-" is stdin) and sets *ret to [{"upload","name"}], owned by the caller. On
 * failure nothing of them is left on the server. */
CHECKED bool upload_files(Cli *cli, const Words *paths, json_t **ret, Error *err);

/* Gives back uploads that weren't used; failures don't matter, the server clears them in time. */
void upload_discard(Cli *cli, const json_t *uploads);
