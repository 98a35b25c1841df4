/* What a compute is given, by size class. */
#include "compute/compute.h"

#include "core/str.h"

/* A machine carries many small ones: shared memory is touched lazily, an idle small one takes about
 * 16 MB. The memory limit leaves room for connections at work; page cache is reclaimed first. */
static const SizeClass size_classes[] = {
    {.name = "small",
     .shared_buffers_mb = 64,
     .work_mem_mb = 4,
     .maintenance_work_mem_mb = 64,
     .effective_cache_size_mb = 512,
     .max_connections = 100,
     .temp_file_limit_mb = 2048,
     .memory_limit_mb = 2048,
     .summary = "feature branches, tests, small projects"},
    {.name = "medium",
     .shared_buffers_mb = 256,
     .work_mem_mb = 8,
     .maintenance_work_mem_mb = 128,
     .effective_cache_size_mb = 2048,
     .max_connections = 200,
     .temp_file_limit_mb = 8192,
     .memory_limit_mb = 8192,
     .summary = "shared tiers, load tests"},
    {.name = "large",
     .shared_buffers_mb = 1024,
     .work_mem_mb = 16,
     .maintenance_work_mem_mb = 512,
     .effective_cache_size_mb = 6144,
     .max_connections = 400,
     .temp_file_limit_mb = 32768,
     .memory_limit_mb = 32768,
     .summary = "a production tier on a machine of its own"},
};

const SizeClass *size_class_find(const char *name) {
  for (size_t at = 0; at < ARRAY_LENGTH(size_classes); at++)
    if (str_equal(size_classes[at].name, name))
      return &size_classes[at];
  return NULL;
}

const SizeClass *size_class_list(size_t *ret_count) {
  *ret_count = ARRAY_LENGTH(size_classes);
  return size_classes;
}
