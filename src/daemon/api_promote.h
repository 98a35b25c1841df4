/* Handlers of promotions and rollbacks. */
#pragma once

#include "daemon/route.h"

ApiHandler get_promotions, get_promotion_preview, post_promotion, post_promotion_approval,
    post_rollback_preview, post_rollback, job_promote;
