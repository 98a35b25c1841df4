/* The key that heads of the audit's chain are signed with: Ed25519, made at the first start, in
 * ROOT/audit/key.pem (0600, the control account's); its public half is ROOT/audit/key.pub. */
#pragma once

#include "catalog/chain.h"
#include "core/home.h"

typedef struct AuditKey AuditKey;

/* make: where there is none. Without it ERROR_NOTHING_TO_DO. */
CHECKED bool audit_key_open(const Home *home, bool make, AuditKey **ret, Error *err);
void audit_key_free(AuditKey *key);
DEFINE_AUTO(AuditKey *, audit_key_free)

/* Fills key and signature of a head whose other members are there. */
CHECKED bool audit_key_sign(const AuditKey *key, ChainHead *head, Error *err);
/* Whether this key has signed that head. */
bool audit_key_has_signed(const AuditKey *key, const ChainHead *head);
