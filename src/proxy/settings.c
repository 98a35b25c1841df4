/* Reads the proxy's part of config.json. */
#include "proxy/settings.h"

#include "core/str.h"

#include <arpa/inet.h>
#include <string.h>

enum { PORT_DEFAULT = 6432 };

static bool is_loopback(const char *address) {
  struct in6_addr bytes;
  if (inet_pton(AF_INET6, address, &bytes) == 1)
    return IN6_IS_ADDR_LOOPBACK(&bytes);
  return str_starts(address, "127.");
}

static bool add_address(Settings *settings, const json_t *value, Error *err) {
  const char *address = json_string_value(value);
  char bytes[sizeof(struct in6_addr)];
  if (address == NULL ||
      (inet_pton(AF_INET, address, bytes) != 1 && inet_pton(AF_INET6, address, bytes) != 1))
    return error_set(err, ERROR_USAGE, "proxy.address: \"%s\" is not a numeric address",
                     address != NULL ? address : "");
  if (settings->address_count >= ADDRESSES_LIMIT)
    return error_set(err, ERROR_USAGE, "proxy.address: more than %d", ADDRESSES_LIMIT);
  settings->addresses[settings->address_count++] = address;
  settings->tls_required = settings->tls_required || !is_loopback(address);
  return true;
}

static bool read_addresses(Settings *settings, const json_t *value, Error *err) {
  settings->addresses_given = value != NULL;
  if (value == NULL) {
    settings->addresses[settings->address_count++] = "127.0.0.1";
    settings->addresses[settings->address_count++] = "::1";
    return true;
  }
  if (!json_is_array(value))
    return add_address(settings, value, err);
  size_t at = 0;
  const json_t *one = NULL;
  json_array_foreach(value, at, one) {
    if (!add_address(settings, one, err))
      return false;
  }
  return settings->address_count > 0 || error_set(err, ERROR_USAGE, "proxy.address: none is given");
}

static bool read_number(const json_t *object, const char *key, unsigned fallback, unsigned maximum,
                        unsigned *ret, Error *err) {
  int64_t value = json_integer_or(object, key, fallback);
  if (value < 1 || value > maximum)
    return error_set(err, ERROR_USAGE, "proxy.%s: not a number from 1 to %u", key, maximum);
  *ret = (unsigned)value;
  return true;
}

static bool read_numbers(Settings *settings, const json_t *proxy, Error *err) {
  const struct {
    const char *key;
    unsigned fallback, maximum;
    unsigned *place;
  } numbers[] = {
      {"clients", 10000, 100000, &settings->clients},
      {"clients_per_source", 2000, 100000, &settings->clients_per_source},
      {"clients_per_principal", 2000, 100000, &settings->clients_per_principal},
      {"logins_per_source", 400, 100000, &settings->logins_per_source},
      {"wake_seconds", 60, 3600, &settings->wake_seconds},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(numbers); at++)
    if (!read_number(proxy, numbers[at].key, numbers[at].fallback, numbers[at].maximum,
                     numbers[at].place, err))
      return false;
  return true;
}

bool settings_read(const Home *home, Settings *ret, Error *err) {
  const json_t *proxy = json_object_get(home->config, "proxy");
  const json_t *tls = json_object_get(home->config, "tls");
  Settings settings = {.domain = json_string_or(proxy, "domain", NULL),
                       .certificate = json_string_or(tls, "cert", NULL),
                       .key = json_string_or(tls, "key", NULL),
                       .tls_required = json_bool_or(tls, "required", false)};
  unsigned port = 0;
  if (!read_addresses(&settings, json_object_get(proxy, "address"), err) ||
      !read_number(proxy, "port", PORT_DEFAULT, 65535, &port, err) ||
      !read_numbers(&settings, proxy, err))
    return false;
  if ((settings.certificate == NULL) != (settings.key == NULL))
    return error_set(err, ERROR_USAGE, "tls: cert and key must be given together");
  settings.port = (int)port;
  *ret = settings;
  return true;
}
