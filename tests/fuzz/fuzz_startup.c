/* A client's first packet, its options and the branch it names; what is passed on to the server
 * must be a packet that reads as well. */
#include "fuzz.h"

#include "wire/options.h"
#include "wire/startup.h"
#include "wire/target.h"

static void pass_on(const Startup *startup, const char *options) {
  AUTO_RELEASE(buffer_release) Buffer packet = {0};
  AUTO_RELEASE(startup_release) Startup again = {0};
  size_t size = 0;
  startup_add(&packet, startup, "role", "database", options);
  if (packet.length > STARTUP_LIMIT)
    return;
  HOLDS(startup_size(packet.text, packet.length, &size, NULL) && size == packet.length);
  HOLDS(startup_read(packet.text, size, &again, NULL));
  HOLDS(str_equal(again.user, "role") && str_equal(again.database, "database"));
  HOLDS(again.setting_count == startup->setting_count);
  HOLDS(str_equal(again.options, options != NULL ? options : ""));
}

static void read_session(const Startup *startup) {
  AUTO_RELEASE(options_release) Options options = {0};
  AUTO_RELEASE(options_release) Options again = {0};
  AUTO_RELEASE(target_release) Target target = {0};
  AUTO_RELEASE(buffer_release) Buffer negotiation = {0};
  startup_add_negotiation(&negotiation, startup);
  (void)!target_resolve(NULL, NULL, startup->database, &target, NULL);
  if (!options_read(startup->options, &options, NULL))
    return;
  pass_on(startup, options.rest);
  if (options.rest == NULL)
    return;
  HOLDS(options_read(options.rest, &again, NULL));
  HOLDS(str_equal(again.rest, options.rest) && again.endpoint == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  AUTO_RELEASE(startup_release) Startup startup = {0};
  size_t size = 0;
  if (!startup_size((const char *)bytes, length, &size, NULL) || size == 0 || size > length ||
      !startup_read((const char *)bytes, size, &startup, NULL))
    return 0;
  if (startup.kind == STARTUP_SESSION)
    read_session(&startup);
  return 0;
}
