/* The route of the linter with a branch. */
#pragma once

#include "daemon/route.h"

ApiHandler post_lint;
