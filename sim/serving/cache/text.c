/* SPDX-License-Identifier: MIT */
#include "sim/serving/cache/text.h"

#define OWN_TOKENS (UINT64_C(1) << 63) /* sessions are fewer than 2^29 */
#define HASHED_TOKENS (UINT64_C(1) << 62)
#define SHARED_TOKENS (UINT64_C(1) << 61)

static struct text_piece own_piece(const struct request *request, uint32_t position)
{
    return (struct text_piece){.first = OWN_TOKENS | (uint64_t)request->number << 32 | position,
                               .end = UINT32_MAX};
}

static struct text_piece run_piece(const struct request *request, uint32_t position)
{
    uint32_t start = 0;
    for (uint32_t i = 0; i + 1 < request->hash_count; i += 2) {
        uint32_t end = request->hashes[i];
        if (position < end) {
            return (struct text_piece){.first = (uint64_t)request->hashes[i + 1] + position - start,
                                       .end = end};
        }
        start = end;
    }
    return own_piece(request, position);
}

struct text_piece text_piece_at(const struct request *request, uint32_t position)
{
    if (position < request->shared_tokens) {
        uint64_t first = SHARED_TOKENS | (uint64_t)request->class_index << 32 | position;
        return (struct text_piece){.first = first, .end = request->shared_tokens};
    }
    switch ((enum content_kind)request->content) {
    case CONTENT_SESSION:
        return (struct text_piece){.first = (uint64_t)request->session << 32 | position,
                                   .end = UINT32_MAX};
    case CONTENT_HASHES: {
        uint32_t block = position / request->hash_tokens, part = position % request->hash_tokens;
        if (block >= request->hash_count || position >= request->prompt_tokens) {
            break;
        }
        uint32_t end = (block + 1) * request->hash_tokens;
        end = end < request->prompt_tokens ? end : request->prompt_tokens;
        uint64_t first = HASHED_TOKENS | ((uint64_t)request->hashes[block] * request->hash_tokens);
        return (struct text_piece){.first = first + part, .end = end};
    }
    case CONTENT_RUNS:
        return run_piece(request, position);
    case CONTENT_OWN:
    case CONTENT_LABELS:
        break;
    }
    return own_piece(request, position);
}

uint32_t text_common(const struct request *a, const struct request *b, uint32_t position,
                     uint32_t most)
{
    if (a == b) {
        return most;
    }
    if (a->adapter != b->adapter) { /* other keys and values of the same words */
        return 0;
    }
    uint32_t common = 0;
    while (common < most) {
        struct text_piece in_a = text_piece_at(a, position + common);
        struct text_piece in_b = text_piece_at(b, position + common);
        if (in_a.first != in_b.first) {
            break;
        }
        uint32_t end = in_a.end < in_b.end ? in_a.end : in_b.end;
        common = end - position;
    }
    return common < most ? common : most;
}
