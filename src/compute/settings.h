/* Which settings a compute has, and why: what must hold, whatever its cluster's own files say, and
 * what is tuned to its size. */
#pragma once

#include "compute/compute.h"

typedef char *SettingValue(const ComputeSpec *spec, const Control *control);

typedef struct Setting {
  const char *name;
  const char *value;  /* constant, or: */
  SettingValue *make; /* owned by the caller */
  const char *reason;
} Setting;

typedef struct SettingTable {
  const Setting *rows;
  size_t count;
} SettingTable;

extern const SettingTable settings_safe;   /* for every server process, a lone one too */
extern const SettingTable settings_fixed;  /* of a compute */
extern const SettingTable settings_audit;  /* on top of these, where statements are recorded */
extern const SettingTable settings_single; /* of a lone one */
extern const SettingTable settings_tuned;  /* in its postgresql.conf */

char *setting_value(const Setting *setting, const ComputeSpec *spec, const Control *control);
bool settings_have(SettingTable table, const char *name);
/* Statements are recorded, but not before the branch is clean. */
bool settings_audited(const ComputeSpec *spec);
