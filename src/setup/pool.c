/* Where the pool lies: chosen, made, mounted again. What was begun is written down first (ROOT/
 * pool.making), so that a set-up that was killed can clear away its half-made pool, and only that.
 */
#include "setup/setup.h"

#include "core/io.h"
#include "storage/storage.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { NOTE_LIMIT = 16 * 1024, FREE_PERCENT = 40 };

static const uint64_t MEBIBYTE = 1024 * 1024;
static const uint64_t IMAGE_LEAST = 2ULL << 30;
static const uint64_t IMAGE_MOST = 20ULL << 30;

/* A plan whose strings live as long as it does. */
typedef struct Place {
  PoolPlan plan;
  char *mount_point;
  char *text; /* of path, image or device */
} Place;

static void place_release(Place *place) {
  str_free(place->mount_point);
  str_free(place->text);
}

static void place_init(Place *place, const Setup *setup) {
  *place = (Place){.mount_point = path_join(setup->root, "pool")};
  place->plan = (PoolPlan){.mount_point = place->mount_point,
                           .quota = setup->options.quota,
                           .owner_uid = setup->compute.uid,
                           .owner_gid = setup->compute.gid};
}

/* Kinds of places, by the words of config.json and of the command line. */
static bool place_set(Place *place, const char *kind, const char *path) {
  str_free(place->text);
  place->text = str_dup(path);
  place->plan.path = str_equal(kind, "path") ? place->text : NULL;
  place->plan.image = str_equal(kind, "image") ? place->text : NULL;
  place->plan.device = str_equal(kind, "device") ? place->text : NULL;
  return place->plan.path != NULL || place->plan.image != NULL || place->plan.device != NULL;
}

static const char *place_kind(const Place *place) {
  if (place->plan.path != NULL)
    return "path";
  return place->plan.image != NULL ? "image" : "device";
}

/* Choosing
 * ------------------------------------------------------------------------------------------ */

static bool is_btrfs(const char *path) {
  struct statfs status;
  return statfs(path, &status) == 0 && status.f_type == BTRFS_SUPER_MAGIC;
}

/* For the user: 40% of what is free, between 2 and 20 GiB. */
static bool choose_size(const Setup *setup, uint64_t *ret, Error *err) {
  struct statvfs status;
  if (setup->options.pool_size > 0) {
    *ret = (uint64_t)setup->options.pool_size;
    return true;
  }
  if (statvfs(setup->root, &status) != 0)
    return error_set_errno(err, errno, "could not look at \"%s\"", setup->root);
  uint64_t available = (uint64_t)status.f_bavail * status.f_frsize;
  uint64_t size = available / 100 * FREE_PERCENT;
  if (size < IMAGE_LEAST) {
    (void)error_set(err, ERROR_POOL_FULL,
                    "\"%s\" has %llu MiB free; the pool would get 40%% of that, and needs 2 GiB",
                    setup->root, (unsigned long long)(available / MEBIBYTE));
    return error_hint(err, "free some space, give --pool-size, or use `bough pool create`");
  }
  *ret = size < IMAGE_MOST ? size : IMAGE_MOST;
  return true;
}

/* Without a btrfs to hand root makes one in a file; anybody else takes a plain directory. */
static bool choose_default(const Setup *setup, Place *place, Error *err) {
  AUTO(str_free) char *image = path_join(setup->root, "pool.img");
  if (setup->system_mode && !is_btrfs(setup->root)) {
    (void)place_set(place, "image", image);
    return choose_size(setup, &place->plan.size, err);
  }
  (void)place_set(place, "path", place->mount_point);
  return true;
}

static bool choose(const Setup *setup, Place *place, Error *err) {
  const SetupOptions *options = &setup->options;
  if (options->path == NULL && options->device == NULL && options->image == NULL)
    return choose_default(setup, place, err);
  place->plan.size = (uint64_t)options->size;
  const struct {
    const char *kind;
    const char *value;
  } places[] = {{"path", options->path}, {"device", options->device}, {"image", options->image}};
  for (size_t at = 0; at < ARRAY_LENGTH(places); at++)
    if (places[at].value != NULL && places[at].value[0] != '/')
      return error_set(err, ERROR_USAGE, "--%s takes an absolute path", places[at].kind);
    else if (places[at].value != NULL)
      (void)place_set(place, places[at].kind, places[at].value);
  return true;
}

/* Half-made pools
 * ----------------------------------------------------------------------------------- */

static bool write_intent(const char *intent, const Place *place, Error *err) {
  AUTO(json_free)
  json_t *note = json_pack("{s:s, s:s}", "kind", place_kind(place), "path", place->text);
  if (note == NULL)
    return error_set(err, ERROR_USAGE, "the path of the pool isn't UTF-8");
  AUTO(str_free) char *text = json_text(note);
  return io_write_file(intent, text, strlen(text), 0600, err);
}

/* Takes back what an earlier run began and didn't end. A directory loses only what Bough puts into
 * an empty one; a device keeps its signature, and the next attempt says how to clear it. */
static bool clear_half_made(const Setup *setup, const char *intent, Error *err) {
  AUTO(str_free) char *text = NULL;
  AUTO(json_free) json_t *note = NULL;
  AUTO(str_free) char *mount_point = path_join(setup->root, "pool");
  size_t length = 0;
  const char *kind = NULL;
  const char *path = NULL;
  if (!io_exists(intent))
    return true;
  if (!io_read_file(intent, NOTE_LIMIT, &text, &length, err) ||
      !json_parse(text, length, &note, err) || !json_get_string(note, "kind", &kind, err) ||
      !json_get_string(note, "path", &path, err))
    return error_prefix(err, "%s", intent);
  setup_say(setup, "clearing away a pool that was not finished");
  if (!str_equal(kind, "path"))
    (void)umount2(mount_point, UMOUNT_NOFOLLOW); /* not mounted is fine */
  if (str_equal(kind, "image") && !io_remove_file(path, err))
    return false;
  if (str_equal(kind, "path")) {
    AUTO(str_free) char *marker = path_join(path, "bough-pool.json");
    AUTO(str_free) char *volumes = path_join(path, "volumes");
    if (!io_remove_file(marker, err))
      return false;
    (void)rmdir(volumes);
  }
  return io_remove_file(intent, err);
}

/* Making
 * -------------------------------------------------------------------------------------------- */

static void say_what_is_made(const Setup *setup, const Place *place) {
  if (place->plan.image != NULL)
    setup_say(setup, "making a pool of %llu MiB in %s",
              (unsigned long long)(place->plan.size / MEBIBYTE), place->text);
  else
    setup_say(setup, "making a pool in %s", place->text);
}

/* pool_format wants a directory that is there; the default one is made here. */
static bool prepare_directory(const Setup *setup, const Place *place, Error *err) {
  return place->plan.path == NULL || !str_equal(place->plan.path, place->mount_point) ||
         mkdir(place->plan.path, 0700) == 0 || errno == EEXIST ||
         error_set_errno(err, errno, "could not create \"%s\"", place->plan.path);
}

/* What stands there already was not made here: it must not be taken back as half-made. */
static bool check_unused(const Place *place, Error *err) {
  if (place->plan.image == NULL || !io_exists(place->plan.image))
    return true;
  (void)error_set(err, ERROR_POOL_EXISTS, "there is a file \"%s\" already", place->plan.image);
  return error_hint(err, "if it holds nothing that is needed, remove it");
}

bool setup_pool_make(Setup *setup, Error *err) {
  AUTO_RELEASE(place_release) Place place;
  AUTO(str_free) char *intent = path_join(setup->root, "pool.making");
  const char *driver = NULL;
  AUTO(str_free) char *path = NULL;
  place_init(&place, setup);
  if (!clear_half_made(setup, intent, err) || !choose(setup, &place, err) ||
      !check_unused(&place, err) || !write_intent(intent, &place, err) ||
      !prepare_directory(setup, &place, err))
    return false;
  say_what_is_made(setup, &place);
  if (!pool_format(&place.plan, &driver, &path, err)) {
    (void)!io_remove_file(intent, NULL); /* it left nothing */
    if (err->hint[0] == '\0' && place.plan.path == NULL)
      (void)error_hint(err, "a directory needs no mount: `bough pool create --path DIR`");
    return false;
  }
  config_set(setup, "pool",
             json_pack("{s:s, s:s, s:s, s:s, s:b}", "driver", driver, "path", path, "kind",
                       place_kind(&place), "source", place.text, "quota", (int)place.plan.quota));
  return config_save(setup, err) && io_remove_file(intent, err);
}

/* Mounting
 * ------------------------------------------------------------------------------------------ */

static bool configured_place(const Setup *setup, Place *place, Error *err) {
  json_t *pool = NULL;
  const char *kind = NULL;
  const char *source = NULL;
  if (!json_get_object(setup->config, "pool", &pool, err) ||
      !json_get_string(pool, "kind", &kind, err) || !json_get_string(pool, "source", &source, err))
    return error_prefix(err, "config.json");
  return place_set(place, kind, source) ||
         error_set(err, ERROR_USAGE, "config.json: a pool of kind \"%.40s\"", kind);
}

bool setup_pool_mount(Setup *setup, Error *err) {
  AUTO_RELEASE(place_release) Place place;
  AUTO(str_free) char *intent = path_join(setup->root, "pool.making");
  place_init(&place, setup);
  return io_remove_file(intent, err) /* the settings name the pool, so it is whole */
         && configured_place(setup, &place, err) && pool_mount(&place.plan, err);
}

bool setup_pool_unit(const Setup *setup, char **ret_name, char **ret_text, Error *err) {
  AUTO_RELEASE(place_release) Place place;
  place_init(&place, setup);
  *ret_name = *ret_text = NULL;
  return configured_place(setup, &place, err) &&
         (place.plan.path != NULL || pool_mount_unit(&place.plan, ret_name, ret_text, err));
}
