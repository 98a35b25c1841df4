/* A schema as a model: objects of every kind that pg_dump knows, with their properties as text.
 *
 * One generic form serves all kinds (kinds.def), so that reading, comparing and showing are each
 * written once. Everything an object points to lives as long as its Schema. Texts are PostgreSQL's
 * own (pg_get_*def, format_type, ...), made under search_path = pg_catalog, so that every name in
 * them is qualified; NULL means that there is none. */
#pragma once

#include "core/base.h"
#include "core/str.h"
#include "diff/arena.h"

typedef enum ObjectKind {
#define KIND(name, ...) KIND_##name,
#include "diff/kinds.def"
#undef KIND
  KIND_COUNT,
  KIND_NONE = KIND_COUNT,
} ObjectKind;

enum {                      /* flags of a kind */
       KIND_RIGHTS = 1,     /* any change of it is a change of rights */
       KIND_DEFINITION = 2, /* has a definition, which is compared as a property */
       KIND_ORDERED = 4,    /* the order among its siblings is part of what they mean */
       KIND_DATA = 8,       /* holds data: gone when it is dropped */
       KIND_RAW_NAME = 16,  /* name is a piece of SQL, not to be quoted */
};

typedef struct Kind {
  const char *name; /* "TABLE" */
  const char *word; /* "table" */
  uint32_t classid;
  ObjectKind parent;
  const char *record; /* in the fork's record of identities; "": none */
  unsigned flags;
  const char *const *properties;
  size_t property_count;
} Kind;

const Kind *kind_info(ObjectKind kind);

/* Whether a property of the kind decides who may do what. */
bool property_is_rights(ObjectKind kind, const char *property);

typedef struct Object Object;
struct Object {
  ObjectKind kind;
  uint32_t oid;          /* in its catalog, of the relation for columns */
  int32_t subid;         /* attribute number of columns, else 0 */
  size_t index;          /* its place in the schema's objects */
  int32_t position;      /* among its siblings of an ordered kind, from 1 */
  const char *schema;    /* "" for what lies in none, and for children */
  const char *name;      /* not quoted, but see KIND_RAW_NAME */
  const char *signature; /* what follows the name: "(integer)"; "" */
  const char *owner;     /* a role, NULL for kinds without an owner */
  const char *grants;    /* aclitem[] as text; NULL: the built-in defaults */
  const char *comment;
  const char *labels;        /* security labels, lines "provider: label" */
  const char *definition;    /* see kinds.def */
  const char *const *values; /* by the kind's properties */
  Object *parent;
  Object *first_child; /* by kind, then position, then name */
  Object *next;        /* sibling */
  int64_t size; /* bytes of a table with its indexes and TOAST, or of an index; -1: unknown */
  int64_t rows; /* of a table, as estimated by the last ANALYZE; -1: unknown */
};

typedef struct Dependency {
  Object *object;
  Object *needs;
} Dependency;

typedef struct Schema {
  Arena arena;
  Object **objects; /* by kind, then schema, name, signature */
  size_t count;
  Dependency *dependencies; /* by object; only where read with them */
  size_t dependency_count;
  struct Rows **rows; /* that the texts lie in */
  size_t rows_count;
} Schema;

void schema_free(Schema *schema);
DEFINE_AUTO(Schema *, schema_free)

/* A property's value by name; the name must be one of the kind's. */
const char *object_property(const Object *object, const char *name);
bool object_is(const Object *object, const char *name); /* a flag that is "t" */

/* Whether it only follows from another object: partitions' columns, constraints, indexes and
 * triggers that come from the parent. It appears and goes with that one. */
bool object_is_inherited(const Object *object);

/* Appends schema, parent, name and signature as in COMMENT ON: public.t, public.t.c, t_pkey ON
 * public.t, public.f(integer). Safe in SQL. */
void object_add_identity(Buffer *text, const Object *object);

/* The order of a schema's objects, as for qsort: of two Object *const *. */
int object_compare(const void *a, const void *b);

/* What an object depends on: *ret is borrowed, its count returned. */
size_t schema_dependencies(const Schema *schema, const Object *object, const Dependency **ret);

/* ---- making one by hand: the reader and tests ---- */

Schema *schema_new(void);
/* Adds an object; texts are borrowed for the schema's life. values may be NULL: all NULL. */
Object *schema_add(Schema *schema, ObjectKind kind, Object *parent, const char *schema_name,
                   const char *name);
void object_set(Schema *schema, Object *object, const char *property, const char *value);
/* Sorts, and links children to parents. Call once, after the last schema_add. */
void schema_finish(Schema *schema);
