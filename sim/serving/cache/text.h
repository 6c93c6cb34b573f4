/* SPDX-License-Identifier: MIT
 * The tokens of a request's prompt and answer, by number, for those who compare texts token by
 * token: made up as its content says, so that nobody stores them. */
#ifndef CPSIM_SIM_SERVING_CACHE_TEXT_H
#define CPSIM_SIM_SERVING_CACHE_TEXT_H

#include "sim/serving/load/request.h"

/* Tokens that count up from `first`, from the position asked for up to `end`. */
struct text_piece {
    uint64_t first;
    uint32_t end;
};

struct text_piece text_piece_at(const struct request *request, uint32_t position);

/* Tokens from `position` on that both have alike, at most `most`. */
uint32_t text_common(const struct request *a, const struct request *b, uint32_t position,
                     uint32_t most);

#endif
