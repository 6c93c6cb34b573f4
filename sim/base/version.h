/* SPDX-License-Identifier: MIT
 * Which cpsim this is. */
#ifndef CPSIM_SIM_BASE_VERSION_H
#define CPSIM_SIM_BASE_VERSION_H

const char *version_number(void);   /* "0.1.0" */
const char *version_revision(void); /* git's, 12 hexadecimal digits; "unknown" outside git */

#endif
