/* The catalogs of a cluster as files: which they are, and which database is which. */
#pragma once

#include "core/base.h"

/* File numbers of the catalogs that a database's schema stands in, as initdb made them. A catalog
 * that was rewritten since lies elsewhere, and has no such file any more. Their TOAST tables follow
 * from them: what a row refers to is written with it and never changed. Ends with 0. */
extern const uint32_t catalog_files[];

/* The oid of that database, by the cluster's files. False where they don't tell for certain. */
bool catalog_database(const char *data, const char *name, uint32_t *ret);
