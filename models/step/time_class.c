/* SPDX-License-Identifier: MIT */
#include "models/step/time_class.h"

#include <assert.h>

const char *time_class_word(enum time_class time_class)
{
#define WORD(class, name, word, heading, sentence) [class] = (word),
    static const char *const words[TIME_CLASS_COUNT] = {TIME_CLASSES(WORD)};
#undef WORD
    assert(time_class < TIME_CLASS_COUNT && "not a class of time");
    return words[time_class];
}

const char *time_class_heading(enum time_class time_class)
{
#define HEADING(class, name, word, heading, sentence) [class] = (heading),
    static const char *const headings[TIME_CLASS_COUNT] = {TIME_CLASSES(HEADING)};
#undef HEADING
    assert(time_class < TIME_CLASS_COUNT && "not a class of time");
    return headings[time_class];
}
