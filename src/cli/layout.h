/* Which layout a folder of migrations has, for the commands that read one. */
#pragma once

#include "cli/command.h"

/* --layout, else what the bough.yaml beside the folder declares, else NULL: to be found out by
 * looking. A file that is no policy declares nothing: what is wrong with it, `bough policy check`
 * says. Owned by the caller. */
char *layout_of_folder(const Cli *cli, const char *folder);
