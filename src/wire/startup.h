/* The first packet of a connection: a wish for TLS or GSS encryption, a cancel request, or the
 * start of a session with its parameters. */
#pragma once

#include "wire/cancel.h"

enum {
  STARTUP_LIMIT = 10000, /* bytes of the packet, as stock servers have it */
  STARTUP_PARAMETERS_LIMIT = 256,
};

typedef enum StartupKind { STARTUP_SSL, STARTUP_GSS, STARTUP_CANCEL, STARTUP_SESSION } StartupKind;

typedef struct StartupParameter {
  const char *name;
  const char *value;
} StartupParameter;

typedef struct Startup {
  StartupKind kind;
  CancelKey cancel; /* of STARTUP_CANCEL */
  /* Of STARTUP_SESSION. The texts are valid UTF-8 where they are named here. */
  unsigned minor;               /* of the protocol that is asked for, 3.minor */
  const char *user;             /* never empty */
  const char *database;         /* the user's name when it isn't given */
  const char *application_name; /* printable ASCII; "" when it isn't given */
  const char *options;          /* "" when they aren't given */
  StartupParameter *settings;   /* all the others, names checked, _pq_.* not among them */
  size_t setting_count;
  const char **extensions; /* names that start with _pq_. */
  size_t extension_count;
  char *memory; /* what all of these point into */
} Startup;
void startup_release(Startup *startup);

/* The whole packet's size from its first bytes; 0 while there are fewer than four. */
CHECKED bool startup_size(const char *bytes, size_t length, size_t *ret, Error *err);

/* Reads a whole packet. */
CHECKED bool startup_read(const char *bytes, size_t length, Startup *ret, Error *err);

/* The packet for the server behind: user and database given, options as they are left (NULL: none),
 * application name and settings as they came, protocol 3.0. */
void startup_add(Buffer *out, const Startup *startup, const char *user, const char *database,
                 const char *options);

/* NegotiateProtocolVersion, for a client that asks for more than 3.0; adds nothing for others. */
void startup_add_negotiation(Buffer *out, const Startup *startup);
