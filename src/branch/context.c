/* What use cases share: progress, locks on volumes. */
#include "branch/context.h"

#include "core/io.h"
#include "core/str.h"

void context_report(const Context *context, const char *text, int64_t done, int64_t total) {
  if (context->on_progress == NULL)
    return;
  AUTO(json_free)
  json_t *progress = json_pack("{s:s, s:I, s:I}", "text", text, "done", (json_int_t)done, "total",
                               (json_int_t)total);
  if (progress != NULL)
    context->on_progress(context->progress_context, progress);
}

void context_push(Context *context, const char *name, json_t *params) {
  if (context->push == NULL)
    context->push = json_array();
  (void)json_array_append_new(context->push,
                              json_pack("{s:s, s:o}", "push", name, "params", params));
}

void context_push_now(Context *context, const char *name, json_t *params) {
  AUTO(json_free) json_t *message = json_pack("{s:s, s:o}", "push", name, "params", params);
  context->on_push(message);
}

bool volume_lock(const Context *context, const char *volume, LockMode mode, int timeout_ms,
                 int *ret, Error *err) {
  if (!id_check("vol", volume))
    return error_set(err, ERROR_CATALOG_INVALID, "\"%.40s\" is not a volume's id", volume);
  AUTO(str_free) char *path = home_path(context->home, "locks/%s", volume);
  return lock_take(path, mode, timeout_ms, ret, err);
}

void volume_lock_forget(const Context *context, const char *volume) {
  AUTO(str_free) char *path = home_path(context->home, "locks/%s", volume);
  (void)!io_remove_file(path, NULL); /* a rest in locks/ is swept by recovery */
}
