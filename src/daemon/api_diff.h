/* Handlers of schema diffs. */
#pragma once

#include "daemon/route.h"

ApiHandler get_diff;
