/* SPDX-License-Identifier: MIT
 * What shells complete after `cpsim`: commands, their options and files, keys of scenarios. Each
 * appends a script. */
#ifndef CPSIM_SIM_CLI_COMPLETION_H
#define CPSIM_SIM_CLI_COMPLETION_H

#include "sim/base/text.h"

void completion_bash(struct text *text);
void completion_zsh(struct text *text);
void completion_fish(struct text *text);

#endif
