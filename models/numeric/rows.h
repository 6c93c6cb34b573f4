/* SPDX-License-Identifier: MIT
 * Things that are said once, as a list, LIST(ROW): a macro that calls ROW(member, object, name,
 * sentence) for each. From it come the enum (ROW_MEMBER), its table (ROW_OBJECT), names (ROW_NAME)
 * and what a scenario may choose (CHOICE_OF in sim/config/field.h): they cannot disagree. */
#ifndef CPSIM_MODELS_NUMERIC_ROWS_H
#define CPSIM_MODELS_NUMERIC_ROWS_H

#define ROW_MEMBER(member, object, name, sentence) member,
#define ROW_OBJECT(member, object, name, sentence) [member] = &(object),
#define ROW_NAME(member, object, name, sentence) [member] = (name),

#endif
