/* Queues messages to the outside, signs and delivers them. */
#include "branch/webhook.h"

#include "branch/describe.h"
#include "catalog/access.h"
#include "catalog/expiry.h"
#include "core/clock.h"
#include "core/hex.h"
#include "core/io.h"
#include "core/str.h"
#include "http/post.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND_US 1000000LL

enum {
  POST_MS = 10 * 1000,
  LOOK_MS = 30 * 1000,
  FIRST_RETRY_S = 2,
  LAST_RETRY_S = 3600,
  ATTEMPT_LIMIT = 16,
  KEEP_S = 7 * 86400,
  SECRET_LEAST = 16,
  SECRET_LIMIT = 4096,
};

static const char *receiver(const Context *context) {
  return json_string_or(context->home->config, "webhook_url", NULL);
}

bool webhook_queue(Context *context, const char *event, json_t *more, Error *err) {
  AUTO(json_free) json_t *members = more;
  if (receiver(context) == NULL)
    return true;
  AUTO(json_free)
  json_t *body = json_pack("{s:s, s:o}", "event", event, "time", describe_time(clock_wall_us()));
  (void)json_object_update(body, members);
  return webhook_insert(context->catalog, event, body, err);
}

bool webhook_queue_branch(Context *context, const char *event, const BranchRow *branch,
                          Error *err) {
  ProjectRow project = {0};
  Error ignored = ERROR_INIT;
  if (receiver(context) == NULL)
    return true;
  bool known = project_get(context->catalog, branch->project, &project, &ignored);
  json_t *more = json_pack("{s:s, s:{s:s, s:s, s:s, s:s, s:o}}", "project",
                           known ? project.name : branch->project, "branch", "id", branch->id,
                           "name", branch->name, "kind", branch->kind, "created_by",
                           branch->created_by, "expires_at", describe_time(branch->expires_at));
  if (known)
    project_row_release(&project);
  return webhook_queue(context, event, more, err);
}

/* ---- the signature ---- */

typedef struct Secret {
  char *bytes;
  size_t length;
} Secret;

static void secret_release(Secret *secret) {
  if (secret->bytes != NULL)
    OPENSSL_cleanse(secret->bytes, secret->length);
  str_free(secret->bytes);
}

static bool check_private(const char *path, Error *err) {
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0)
    return error_set(err, ERROR_IO, "webhook_secret_file \"%.200s\" can't be read", path);
  if (S_ISREG(status.st_mode) && (status.st_mode & 07) == 0)
    return true;
  (void)error_set(err, ERROR_IO, "webhook_secret_file \"%.200s\" can be read by anybody", path);
  return error_hint(err, "let only the account of boughd read it: chmod 0400");
}

static bool read_secret(const Context *context, Secret *ret, Error *err) {
  const char *path = json_string_or(context->home->config, "webhook_secret_file", NULL);
  if (path == NULL) {
    (void)error_set(err, ERROR_USAGE, "webhook_url is set, webhook_secret_file is not");
    return error_hint(err, "name a file with at least %d random characters in config.json",
                      SECRET_LEAST);
  }
  if (!check_private(path, err) ||
      !io_read_file(path, SECRET_LIMIT, &ret->bytes, &ret->length, err))
    return false;
  while (ret->length > 0 && strchr("\r\n", ret->bytes[ret->length - 1]) != NULL)
    ret->length--;
  return ret->length >= SECRET_LEAST ||
         error_set(err, ERROR_USAGE, "webhook_secret_file has less than %d characters",
                   SECRET_LEAST);
}

char *webhook_signature(const char *secret, size_t secret_length, int64_t time_s,
                        const char *body) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  char text[2 * EVP_MAX_MD_SIZE + 1];
  unsigned length = 0;
  AUTO(str_free) char *message = str_format("%lld.%s", (long long)time_s, body);
  if (HMAC(EVP_sha256(), secret, (int)secret_length, (const unsigned char *)message,
           strlen(message), digest, &length) == NULL)
    length = 0;
  hex_write(digest, length, text);
  return str_format("sha256=%s", text);
}

/* ---- delivery ---- */

static bool post(const Context *context, const WebhookRow *row, Error *err) {
  AUTO_RELEASE(secret_release) Secret secret = {0};
  if (!read_secret(context, &secret, err))
    return false;
  int64_t now = clock_wall_us() / SECOND_US;
  AUTO(str_free) char *body = json_text(row->body);
  AUTO(str_free)
  char *signature = webhook_signature(secret.bytes, secret.length, now, body);
  AUTO(str_free) char *signed_by = str_format("X-Bough-Signature: %s", signature);
  AUTO(str_free) char *time = str_format("X-Bough-Timestamp: %lld", (long long)now);
  AUTO(str_free) char *event = str_format("X-Bough-Event: %s", row->event);
  AUTO(str_free) char *delivery = str_format("X-Bough-Delivery: %lld", (long long)row->id);
  const char *const headers[] = {"Content-Type: application/json",
                                 "User-Agent: bough",
                                 signed_by,
                                 time,
                                 event,
                                 delivery,
                                 NULL};
  return http_post(receiver(context), headers, body, POST_MS, err);
}

static int64_t next_try(int attempts) {
  int64_t wait = FIRST_RETRY_S;
  for (int at = 0; at < attempts && wait < LAST_RETRY_S; at++)
    wait *= 2;
  return clock_wall_us() + (wait < LAST_RETRY_S ? wait : LAST_RETRY_S) * SECOND_US;
}

static bool record_given_up(Context *context, const WebhookRow *row, const Error *failure,
                            Error *err) {
  AUTO(json_free)
  json_t *params = json_pack("{s:s, s:I, s:i}", "event", row->event, "delivery",
                             (json_int_t)row->id, "attempts", row->attempts + 1);
  const AuditRow trail = {.actor_name = "system",
                          .service = "boughd",
                          .action = "webhook.deliver",
                          .params = params,
                          .failure = failure};
  return audit_insert(context->catalog, &trail, err);
}

/* *ret_goes_on: it was delivered, and another may be tried. */
static bool deliver_one(Context *context, const WebhookRow *row, json_t *events, bool *ret_goes_on,
                        Error *err) {
  Error failure = ERROR_INIT;
  *ret_goes_on = post(context, row, &failure);
  if (*ret_goes_on)
    return webhook_tried(context->catalog, row->id, NULL, 0, err);
  bool last = row->attempts + 1 >= ATTEMPT_LIMIT;
  if (last || row->attempts == 0) {
    AUTO(str_free)
    char *text =
        str_format("webhook %s: %s%s", row->event, failure.message, last ? "; it is given up" : "");
    (void)json_array_append_new(events, json_line(text));
  }
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return catalog_begin(context->catalog, &guard, err) &&
         (!last || record_given_up(context, row, &failure, err)) &&
         webhook_tried(context->catalog, row->id, &failure, last ? 0 : next_try(row->attempts),
                       err) &&
         catalog_commit(&guard, err);
}

bool webhook_deliver(Context *context, json_t **ret_events, Error *err) {
  AUTO(json_free) json_t *events = json_array();
  int64_t deadline = clock_monotonic_ms() + LOOK_MS;
  bool goes_on = receiver(context) != NULL;
  if (!webhook_sweep(context->catalog, clock_wall_us() - KEEP_S * SECOND_US, err))
    return false;
  while (goes_on && clock_monotonic_ms() < deadline) {
    WebhookRow row = {0};
    if (!webhook_next(context->catalog, clock_wall_us(), &row, &goes_on, err))
      return false;
    bool ok = !goes_on || deliver_one(context, &row, events, &goes_on, err);
    webhook_row_release(&row);
    if (!ok)
      return false;
  }
  *ret_events = STEAL(events);
  return true;
}
