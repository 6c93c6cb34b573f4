/* SPDX-License-Identifier: MIT
 * A calibrated GPU as the text of a file of platforms/gpus/: every value with its unit and where it
 * comes from, nothing that depends on when it was written. */
#ifndef CPSIM_SIM_CALIBRATE_GPU_FILE_H
#define CPSIM_SIM_CALIBRATE_GPU_FILE_H

#include "sim/base/text.h"
#include "sim/calibrate/calibration.h"

void gpu_file_print(struct text *text, const struct calibration *calibration);

#endif
