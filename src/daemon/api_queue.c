/* The routes of merge queues: looking alone; `bough scm merge` and `withdraw` are the workflow's.
 */
#include "daemon/api_queue.h"

#include "branch/branch.h"
#include "daemon/with_project.h"
#include "scm/queue.h"

bool get_queue(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(queue_show_all(context, &project, ret, err));
}

bool get_queue_entry(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(queue_show(context, &project, request->name, ret, err));
}

bool job_queue(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return queue_serve(context, ret, err);
}
