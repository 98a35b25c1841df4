/* Finds the names that a client gave. */
#include "wire/target.h"

#include "core/name.h"
#include "core/str.h"

#include <string.h>
#include <strings.h>

void target_release(Target *target) {
  str_free(target->endpoint);
  str_free(target->branch);
  str_free(target->database);
  *target = (Target){0};
}

static bool is_endpoint(const char *text) {
  return id_check("ep", text) || name_check("endpoint", text, NULL);
}

char *target_endpoint_of_server_name(const char *server_name, const char *domain) {
  const char *dot = server_name != NULL ? strchr(server_name, '.') : NULL;
  if (dot == NULL)
    return NULL;
  AUTO(str_free) char *label = str_ndup(server_name, (size_t)(dot - server_name));
  bool named = domain != NULL ? strcasecmp(dot + 1, domain) == 0 && is_endpoint(label)
                              : id_check("ep", label);
  return named ? STEAL(label) : NULL;
}

static bool take_endpoint(const char *by_server_name, const char *by_options, char **ret,
                          Error *err) {
  const char *endpoint = by_server_name != NULL ? by_server_name : by_options;
  if (by_server_name != NULL && by_options != NULL && !str_equal(by_server_name, by_options))
    return error_set(err, ERROR_USAGE,
                     "the server name says endpoint \"%.80s\", the options say \"%.80s\"",
                     by_server_name, by_options);
  if (endpoint != NULL && !is_endpoint(endpoint))
    return error_set(err, ERROR_INVALID_NAME, "\"%.80s\" is not an endpoint's name", endpoint);
  *ret = endpoint != NULL ? str_dup(endpoint) : NULL;
  return true;
}

static bool refuse_nameless(const char *database, Error *err) {
  (void)error_set(err, ERROR_DATABASE, "no branch is named by database \"%.80s\"", database);
  return error_hint(err, "connect to \"%.80s@BRANCH\", or set options=endpoint=ENDPOINT", database);
}

bool target_resolve(const char *by_server_name, const char *by_options, const char *database,
                    Target *ret, Error *err) {
  AUTO_RELEASE(target_release) Target target = {0};
  if (!take_endpoint(by_server_name, by_options, &target.endpoint, err))
    return false;
  const char *at = strrchr(database, '@');
  size_t length = at != NULL ? (size_t)(at - database) : strlen(database);
  if (at != NULL && !name_check("branch", at + 1, err))
    return false;
  if (length == 0)
    return error_set(err, ERROR_DATABASE, "no database is named in front of the @");
  target.branch = at != NULL ? str_dup(at + 1) : NULL;
  target.database = str_ndup(database, length);
  if (target.endpoint == NULL && target.branch == NULL && !str_equal(database, "system"))
    return refuse_nameless(database, err);
  *ret = target;
  target = (Target){0};
  return true;
}
