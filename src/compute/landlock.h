/* The kernel's Landlock interface, up to ABI 7: Debian 12's headers end at ABI 2, its users'
 * kernels don't. Numbers are the kernel's (include/uapi/linux/landlock.h) and never change. */
#pragma once

#include <stdint.h>

enum {
  LL_ABI_REFER = 2,
  LL_ABI_TRUNCATE = 3,
  LL_ABI_NETWORK = 4,
  LL_ABI_IOCTL_DEV = 5,
  LL_ABI_SCOPE = 6,
  LL_CREATE_RULESET_VERSION = 1,
  LL_RULE_PATH_BENEATH = 1,
};

#define LL_FS_EXECUTE (UINT64_C(1) << 0)
#define LL_FS_WRITE_FILE (UINT64_C(1) << 1)
#define LL_FS_READ_FILE (UINT64_C(1) << 2)
#define LL_FS_READ_DIR (UINT64_C(1) << 3)
#define LL_FS_REMOVE_DIR (UINT64_C(1) << 4)
#define LL_FS_REMOVE_FILE (UINT64_C(1) << 5)
#define LL_FS_MAKE_CHAR (UINT64_C(1) << 6)
#define LL_FS_MAKE_DIR (UINT64_C(1) << 7)
#define LL_FS_MAKE_REG (UINT64_C(1) << 8)
#define LL_FS_MAKE_SOCK (UINT64_C(1) << 9)
#define LL_FS_MAKE_FIFO (UINT64_C(1) << 10)
#define LL_FS_MAKE_BLOCK (UINT64_C(1) << 11)
#define LL_FS_MAKE_SYM (UINT64_C(1) << 12)
#define LL_FS_REFER (UINT64_C(1) << 13)     /* ABI 2: rename and link between directories */
#define LL_FS_TRUNCATE (UINT64_C(1) << 14)  /* ABI 3 */
#define LL_FS_IOCTL_DEV (UINT64_C(1) << 15) /* ABI 5 */

#define LL_NET_BIND_TCP (UINT64_C(1) << 0)    /* ABI 4 */
#define LL_NET_CONNECT_TCP (UINT64_C(1) << 1) /* ABI 4 */

#define LL_SCOPE_ABSTRACT_UNIX_SOCKET (UINT64_C(1) << 0) /* ABI 6 */
#define LL_SCOPE_SIGNAL (UINT64_C(1) << 1)               /* ABI 6 */

typedef struct LandlockRuleset {
  uint64_t handled_fs;
  uint64_t handled_net; /* ABI 4 */
  uint64_t scoped;      /* ABI 6 */
} LandlockRuleset;

typedef struct LandlockPathRule {
  uint64_t allowed;
  int32_t parent;
} __attribute__((packed)) LandlockPathRule;
