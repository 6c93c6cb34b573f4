/* SPDX-License-Identifier: MIT
 * The rows of mixer_rows[], one a file. Internal to models/architecture. */
#ifndef CPSIM_MODELS_ARCHITECTURE_MIXER_ROWS_H
#define CPSIM_MODELS_ARCHITECTURE_MIXER_ROWS_H

#include "models/architecture/mixer.h"

extern const struct mixer_row mixer_none, mixer_gqa;

#endif
