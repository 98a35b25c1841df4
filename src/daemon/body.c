/* Looks at the members of a request's body before anybody reads them: one of the wrong type is
 * refused, not taken for one that is missing, which could be the parent of a branch. */
#include "daemon/body.h"

typedef enum MemberType { MEMBER_STRING, MEMBER_BOOLEAN, MEMBER_INTEGER, MEMBER_OBJECT } MemberType;

/* A name means the same in every request. */
static const struct {
  const char *name;
  MemberType type;
} members[] = {
    {"name", MEMBER_STRING},        {"parent", MEMBER_STRING},
    {"kind", MEMBER_STRING},        {"type", MEMBER_STRING},
    {"for", MEMBER_STRING},         {"ttl", MEMBER_STRING},
    {"grace", MEMBER_STRING},       {"start", MEMBER_BOOLEAN},
    {"root", MEMBER_STRING},        {"source", MEMBER_OBJECT},
    {"scale", MEMBER_INTEGER},      {"sample", MEMBER_STRING},
    {"conninfo", MEMBER_STRING},    {"method", MEMBER_STRING},
    {"password", MEMBER_STRING},    {"trust", MEMBER_BOOLEAN},
    {"upload", MEMBER_STRING},      {"protected", MEMBER_BOOLEAN},
    {"computes", MEMBER_BOOLEAN},   {"database", MEMBER_STRING},
    {"layout", MEMBER_STRING},      {"to", MEMBER_STRING},
    {"baseline", MEMBER_BOOLEAN},   {"keep", MEMBER_BOOLEAN},
    {"load", MEMBER_STRING},        {"lock_timeout_ms", MEMBER_INTEGER},
    {"attempts", MEMBER_INTEGER},   {"head_branch", MEMBER_STRING},
    {"base_branch", MEMBER_STRING}, {"head", MEMBER_STRING},
    {"text", MEMBER_STRING},        {"verdict", MEMBER_STRING},
    {"git_branch", MEMBER_STRING},  {"head", MEMBER_STRING},
    {"state_file", MEMBER_STRING},  {"title", MEMBER_STRING},
    {"body", MEMBER_STRING},        {"force", MEMBER_BOOLEAN},
    {"pull", MEMBER_INTEGER},       {"from", MEMBER_STRING},
    {"status", MEMBER_INTEGER},     {"output", MEMBER_STRING},
};

static const char *const type_names[] = {"a text", "true or false", "a whole number", "an object"};

static bool has_type(const json_t *value, MemberType type) {
  switch (type) {
  case MEMBER_STRING:
    return json_is_string(value);
  case MEMBER_BOOLEAN:
    return json_is_boolean(value);
  case MEMBER_INTEGER:
    return json_is_integer(value);
  default:
    return json_is_object(value);
  }
}

static bool check_members(const json_t *object, Error *err) {
  for (size_t at = 0; at < ARRAY_LENGTH(members); at++) {
    const json_t *value = json_object_get(object, members[at].name);
    if (value != NULL && !json_is_null(value) && !has_type(value, members[at].type))
      return error_set(err, ERROR_USAGE, "\"%s\" must be %s", members[at].name,
                       type_names[members[at].type]);
  }
  return true;
}

bool body_check(const json_t *body, Error *err) {
  const json_t *source = json_object_get(body, "source");
  return check_members(body, err) && (source == NULL || check_members(source, err));
}
