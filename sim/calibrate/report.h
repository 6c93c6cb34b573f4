/* SPDX-License-Identifier: MIT
 * What a calibration came to, for people. */
#ifndef CPSIM_SIM_CALIBRATE_REPORT_H
#define CPSIM_SIM_CALIBRATE_REPORT_H

#include "sim/base/text.h"
#include "sim/calibrate/calibration.h"

void calibration_print(struct text *text, const struct calibration *calibration, size_t width);

#endif
