/* SPDX-License-Identifier: MIT */
#include "sim/figures/time_class.h"

const char *time_class_word(enum time_class time_class)
{
#define WORD(class, name, word, doc) [class] = (word),
    static const char *const words[TIME_CLASS_COUNT] = {TIME_CLASSES(WORD)};
#undef WORD
    return words[time_class];
}
