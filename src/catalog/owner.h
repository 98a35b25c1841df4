/* The first platform principal. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/home.h"

/* Sees to it that home->owner_uid is a principal; a new one has the role platform. */
CHECKED bool catalog_add_owner(const Home *home, const char *conninfo, Error *err);
