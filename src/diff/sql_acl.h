/* Access control lists: PostgreSQL's text of aclitem[] as rows. */
#pragma once

#include "diff/model.h"

typedef struct AclItem {
  char *grantee; /* NULL: PUBLIC */
  char *grantor;
  uint32_t rights;  /* bits by acl_letters */
  uint32_t options; /* those that may be granted on */
} AclItem;

typedef struct Acl {
  AclItem *items;
  size_t count;
} Acl;

/* The letters of rights, bit 0 first, and the word of each. */
extern const char acl_letters[];
const char *acl_word(size_t bit);

Acl acl_parse(const char *text); /* NULL: empty */
void acl_release(Acl *acl);
/* What an object has that nobody granted anything on. */
Acl acl_default(ObjectKind kind, const char *owner);
/* The rights of each (grantee, grantor) put together; added where it is new. */
AclItem *acl_find(Acl *acl, const char *grantee, const char *grantor);
/* Everything of one role becomes another's, as ALTER ... OWNER TO does it. */
void acl_change_owner(Acl *acl, const char *before, const char *after);
