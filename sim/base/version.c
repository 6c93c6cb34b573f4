/* SPDX-License-Identifier: MIT */
#include "sim/base/version.h"

const char *version_number(void)
{
    return CPSIM_VERSION;
}

const char *version_revision(void)
{
    return CPSIM_GIT_REVISION;
}
