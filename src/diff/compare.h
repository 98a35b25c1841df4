/* What differs between two schemas, before -> after: what has to be done to before so that it
 * becomes after.
 *
 * Pairs are found in this order: by number, where the record of the fork says that both sides had
 * the object then (for certain, whatever its name is now); by name within paired parents; by guess
 * (one is gone and one that is new is its equal but for the name). */
#pragma once

#include "diff/model.h"

/* ---- the base: which objects there were when the two sides parted ---- */

typedef struct Base Base;
/* Reads the part about a database of a fork's record (format: branch/identity.h). Lines that make
 * no sense are left out. A database that isn't in it: an empty base. */
Base *base_parse(const char *record, const char *database);
void base_free(Base *base);
DEFINE_AUTO(Base *, base_free)

/* ---- changes ---- */

typedef enum ChangeKind {
  CHANGE_ADDED,
  CHANGE_REMOVED,
  CHANGE_CHANGED,   /* properties differ, the name doesn't */
  CHANGE_RENAMED,   /* name, schema or both; properties may differ too */
  CHANGE_REPLACED,  /* the same name and properties under a new number: data that was in it is gone
                     */
  CHANGE_REORDERED, /* children of a kind are in another order: of a table's columns that is only a
                       note, of enums and composite types a real change. before, after: the parents
                     */
} ChangeKind;

/* name is the kind's property, or one of these: owner, grants, comment, labels, definition; for
 * CHANGE_RENAMED also name, schema. */
typedef struct PropertyChange {
  const char *name;
  const char *before, *after; /* NULL: none */
  bool is_rights;
} PropertyChange;

typedef struct Change {
  ChangeKind kind;
  ObjectKind object_kind;
  const Object *before; /* NULL when added */
  const Object *after;  /* NULL when removed */
  const PropertyChange *properties;
  size_t property_count;
  bool is_certain;   /* of a rename; false: it is a guess */
  bool is_replaced;  /* of CHANGED: it has a new number, too; of a column: dropped and made anew */
  bool is_inherited; /* follows from another change of this diff (partitions, children's columns) */
  bool is_implied;   /* goes with its parent, which is added or removed as a whole */
  bool is_rights;    /* belongs into the section of rights, wholly or (CHANGED) by a property */
  bool is_note;      /* no difference that a migration could make: column order, REPLACED */
} Change;

typedef struct Diff {
  const Schema *before, *after; /* borrowed */
  Change *changes;              /* by kind, then name */
  size_t count;
  Arena arena;
  const Object **after_of;  /* by the objects' place in before: their other side, or NULL */
  const Object **before_of; /* likewise for after */
  struct Renames *renames;
} Diff;

/* base may be NULL: names and guesses only. Owned by the caller; the schemas must outlive it. */
Diff *diff_compare(const Schema *before, const Schema *after, const Base *base);
/* The same without guesses: what may be a rename is something that went and something that came. */
Diff *diff_compare_certain(const Schema *before, const Schema *after, const Base *base);
void diff_free(Diff *diff);
DEFINE_AUTO(Diff *, diff_free)

/* The object's other side, NULL if it has none. It may be of either schema. */
const Object *diff_partner(const Diff *diff, const Object *object);

bool diff_is_empty(const Diff *diff);      /* nothing at all differs */
bool diff_is_equivalent(const Diff *diff); /* nothing but notes */

/* Who was given what beyond what is given anyway, in lines "grantee=letters" by grantee. A grantee
 * is a role as name_add writes it, PUBLIC, or OWNER where that one has less than all; letters are
 * those of aclitem ("r*": with the right to pass it on), none where a default was taken away. What
 * Bough's own roles were given is left out. "": just the defaults. */
const char *object_grants(Arena *arena, const Object *object);

/* Whether two texts say the same once what was renamed (certainly or by guess) is renamed in
 * before: an index on a renamed column is not a change of the index. */
bool diff_same_text(const Diff *diff, const Object *before_context, const char *before,
                    const char *after);
