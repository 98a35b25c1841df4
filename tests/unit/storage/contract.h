/* What every storage driver must keep, as one suite that is run on each of them. */
#pragma once

#include "storage/storage.h"

/* What the suite can't find out by itself. */
typedef struct ContractSubject {
  const char *name; /* of the place, for the report */
  Pool *pool;
  const char *pool_path;
  const char *wal_root;
  bool small; /* may be filled up */
} ContractSubject;

/* Runs the suite; the number of failed tests. */
int contract_run(const ContractSubject *subject);
