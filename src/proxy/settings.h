/* What config.json says to the proxy:
 *
 *   "proxy": {"address": "127.0.0.1" or ["::1", ...], "port": 6432, "domain": "db.example.org",
 *             "clients": 10000, "clients_per_source": 2000, "clients_per_principal": 2000,
 *             "logins_per_source": 400, "wake_seconds": 60}
 *   "tls": {"cert": "/path", "key": "/path", "required": false}
 *
 * Addresses are numeric; without any, both of loopback, since "localhost" may stand for either. TLS
 * is required, whatever is said, when one of them isn't loopback. */
#pragma once

#include "core/home.h"

enum { ADDRESSES_LIMIT = 16 };

typedef struct Settings {
  const char *addresses[ADDRESSES_LIMIT]; /* borrowed from home->config, as are all texts */
  size_t address_count;
  bool addresses_given; /* else one that the host doesn't have may be missing */
  int port;
  const char *domain;      /* NULL: none */
  const char *certificate; /* NULL: one made at first start */
  const char *key;
  bool tls_required;
  unsigned clients;
  unsigned clients_per_source;
  unsigned clients_per_principal;
  unsigned logins_per_source; /* that haven't proved who they are */
  unsigned wake_seconds;      /* that a client is held for its compute */
} Settings;

CHECKED bool settings_read(const Home *home, Settings *ret, Error *err);
