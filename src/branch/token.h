/* Tokens as text: making them, taking them apart, and the keys of their verifiers. */
#pragma once

#include "branch/context.h"
#include "catalog/access.h"

enum { TOKEN_TEXT_SIZE = 64, TOKEN_ITERATIONS = 4096 };

typedef unsigned char TokenSalt[SALT_SIZE];

/* A random one. */
CHECKED bool token_generate(char ret_id[ID_SIZE], char ret_text[TOKEN_TEXT_SIZE], Error *err);
/* The one that follows from a secret, a principal's id and a number. */
CHECKED bool token_derive(const unsigned char secret[KEY_SIZE], const char *principal,
                          int64_t number, char ret_id[ID_SIZE], char ret_text[TOKEN_TEXT_SIZE],
                          Error *err);
/* The id in a token's text; false for a text that no token has. */
bool token_read_id(const char *text, char ret_id[ID_SIZE]);

/* The salt of a name, whether there is a principal of that name or not. */
CHECKED bool token_salt(Catalog *catalog, const char *name, TokenSalt ret, Error *err);
/* Fills the keys of row from text. */
CHECKED bool token_make_keys(const char *text, const TokenSalt salt, unsigned iterations,
                             TokenRow *row, Error *err);
