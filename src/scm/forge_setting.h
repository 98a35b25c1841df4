/* Which forge keeps a project's code, and what that forge is told. */
#pragma once

#include "branch/context.h"

/* {"forge":{"kind":"github","clone_url":...,"settings":{...}}}; owned. */
CHECKED bool forge_setting_show(Context *context, const ProjectRow *project, json_t **ret,
                                Error *err);
/* body: {"kind":"local"}, or {"kind":"github","repository":"OWNER/NAME","host":HOST,
 * "people":{LOGIN:PRINCIPAL}}, the last two optional. Asks for project.manage. A repository that
 * can't be read with the server's token is refused: FORGE_REFUSED, FORGE_FAILED. *ret as above. */
CHECKED bool forge_setting_set(Context *context, const ProjectRow *project, const json_t *body,
                               json_t **ret, Error *err);
