/* SPDX-License-Identifier: MIT
 * The commands there are, in the order of the help. */
#include "sim/cli/cli.h"

#include <string.h>

const struct command *const all_commands[] = {
    &command_run,    &command_check,     &command_show,   &command_describe,  &command_roofline,
    &command_sweep,  &command_plan,      &command_trace,  &command_compare,   &command_calibrate,
    &command_import, &command_scenarios, &command_models, &command_platforms, NULL,
};

const struct command *command_find(const char *name)
{
    for (const struct command *const *command = all_commands; *command != NULL; command++) {
        if (strcmp((*command)->name, name) == 0) {
            return *command;
        }
    }
    return NULL;
}
