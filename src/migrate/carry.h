/* Migrations that one branch's ledgers have in force are brought to another branch, in the order in
 * which they were applied, as the texts that the ledgers kept: a tier that is built anew, and every
 * promotion. Nobody's right is asked for here, and nothing of a client's folder is looked at.
 *
 * They run as a role of Bough's own, which owns what people make, is no superuser, and which no
 * client can log in as. */
#pragma once

#include "migrate/target.h"

typedef struct Carry {
  Context *context;
  const ProjectRow *project;
  const BranchRow *from;
  const BranchRow *to;
  const char *label; /* what the ledger says it came from: a branch's name */
} Carry;

/* What from has in force and to lacks: [{database, layout, action, version, name, checksum,
 * repeatable, up, up_alone, undo, undo_alone, author, rights}], owned. "rights" is there where a
 * statement of up or undo changes who may do what, and says which. Wakes both; a branch that is
 * still being made must run. strict: one that stopped half-way in from, a schema there that its
 * ledger doesn't explain, and a version that to has under another name are refused
 * (MIGRATION_INTERRUPTED, _DRIFT, _COLLISION); else left out. */
CHECKED bool carry_look(const Carry *carry, bool strict, json_t **ret, Error *err);

/* Of a change that comes with code: whether to would have afterwards what set (migrations of the
 * commit, as migrate.h's requests have them) says, and nothing else: each is in the list, was run,
 * with that text, or is in to's ledger with it; the list has no other. DB_AHEAD_OF_CODE,
 * MIGRATION_EDITED, MIGRATIONS_PENDING, with the way out. How an item of the list is undone, and
 * what of it runs outside a transaction, is from then on as the commit says. */
CHECKED bool carry_check_code(const Carry *carry, const json_t *set, json_t *list, Error *err);

/* Applies what of that list isn't in force yet, in its order; goes on with what stopped half-way.
 * *ret_done: versions (names of repeatable ones) that were run now; set after a failure, too. */
CHECKED bool carry_apply(const Carry *carry, const json_t *list, json_t **ret_done, Error *err);

/* Takes back what of that list is in force or half so, the last one first, each by its own undo.
 * MIGRATION_NO_UNDO, MIGRATION_FAILED: the rest stays. */
CHECKED bool carry_undo(const Carry *carry, const json_t *list, Error *err);

/* Whether to's ledgers have all of the list in force with those checksums, MIGRATION_LEDGER (not
 * asked where is_run is false); and the digests of the schemas of the list's databases,
 * {database: digest}, owned. */
CHECKED bool carry_read_back(const Carry *carry, const json_t *list, bool is_run,
                             json_t **ret_digests, Error *err);

/* Names of the project's databases; with a list, of those that it is about. Owned. */
json_t *carry_databases(const ProjectRow *project, const json_t *list);
