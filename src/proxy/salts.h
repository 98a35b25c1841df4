/* What challenges are made of. It is asked from boughd once, so that a client gets its challenge at
 * once while its verifier is on the way, after the same time whoever it says it is. */
#pragma once

#include "proxy/control.h"

typedef struct Salts Salts;

/* failure NULL: they are known now. Called from the loop. */
typedef void SaltsKnown(void *context, const Error *failure);
/* Asks. */
Salts *salts_new(Control *control, SaltsKnown *known, void *context);
/* Before the control that it asks is freed. */
void salts_free(Salts *salts);

/* Asks again where that failed: those who log in wait for it. */
void salts_want(Salts *salts);
CHECKED bool salts_known(const Salts *salts);
/* The salt of a name in base64, for the caller to free; *ret_iterations is at least 1. Only what is
 * known may be asked for. */
char *salts_of(const Salts *salts, const char *name, unsigned *ret_iterations);
