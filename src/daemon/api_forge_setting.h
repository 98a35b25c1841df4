/* Handlers of the routes that say which forge keeps a project's code. */
#pragma once

#include "daemon/route.h"

ApiHandler get_forge_setting, post_forge_setting;
