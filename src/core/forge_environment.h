/* Variables that tell boughd how it gets into a forge: of whoever starts it they go to boughd and
 * its workers, and to no other program. Some hold tokens. */
#pragma once

static const char *const forge_environment[] = {
    "GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN",
    "GH_HOST",  "GH_CONFIG_DIR"};
