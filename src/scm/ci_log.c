/* Logs of runs: files that grow while somebody reads them. */
#include "core/io.h"
#include "core/str.h"
#include "scm/ci_course.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LOG_LIMIT = 16 * 1024 * 1024 };

char *ci_log_path(const Context *context, const char *run) {
  return home_path(context->home, "ci/%s.log", run);
}

/* A run goes on without its log rather than not at all. */
static void write_all(CiCourse *course, const char *bytes, size_t length) {
  Error ignored = ERROR_INIT;
  if (!io_write(course->log, bytes, length, &ignored))
    fd_release(&course->log);
}

void ci_log_add(CiCourse *course, const char *bytes, size_t length) {
  static const char cut[] = "\n[the log is longer than what is kept of it]\n";
  bool had_room = course->logged < LOG_LIMIT;
  course->logged += (int64_t)length;
  if (course->log < 0 || !had_room)
    return;
  if (course->logged < LOG_LIMIT)
    write_all(course, bytes, length);
  else
    write_all(course, cut, sizeof cut - 1);
}

void ci_log_line(CiCourse *course, const char *format, ...) {
  char text[2048];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(text, sizeof text - 1, format, args);
  va_end(args);
  if (length < 0)
    return;
  size_t used = (size_t)length < sizeof text - 1 ? (size_t)length : sizeof text - 2;
  text[used] = '\n';
  ci_log_add(course, text, used + 1);
}

static bool open_log(CiCourse *course, Error *err) {
  AUTO(str_free) char *directory = home_path(course->context->home, "ci");
  AUTO(str_free) char *path = ci_log_path(course->context, course->run.id);
  if (!io_make_directories(directory, 0700, err))
    return false;
  course->log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  return course->log >= 0 || error_set_errno(err, errno, "could not open \"%s\"", path);
}

void ci_course_release(CiCourse *course) {
  fd_release(&course->log);
  forge_free(course->forge);
  json_free(course->set);
  json_free(course->markdown);
  json_free(course->notes);
}

bool ci_course_open(Context *context, const ProjectRow *project, const CiRunRow *run, CiCourse *ret,
                    Error *err) {
  *ret = (CiCourse){
      .context = context, .project = project, .run = *run, .log = -1, .notes = json_array()};
  return open_log(ret, err) && forge_open(context, project, &ret->forge, err);
}
