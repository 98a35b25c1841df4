/* Keeps a stand up until its input ends, for measuring and for trying things by hand: prints the
 * port and the cluster's socket directory. */
#include "stand.h"

#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void wait_for_end(void **state) {
  Stand *stand = stand_new(
      json_pack("{s:i, s:i}", "clients_per_source", 20000, "clients_per_principal", 20000));
  (void)printf("port=%d socket=%s proxy=%d\n", stand->port, stand->cluster->root,
               (int)stand->proxy);
  (void)fflush(stdout);
  while (getchar() != EOF)
    continue;
  stand_free(stand);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(wait_for_end)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
