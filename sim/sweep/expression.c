/* SPDX-License-Identifier: MIT
 * A recursive-descent parser into an array of operations, children before parents; types and
 * values are then one pass over the array. */
#include "sim/sweep/expression.h"

#include "sim/config/units.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <string.h>

enum { DEEPEST = 64, MOST_OPERATIONS = 512, MOST_NAMES = 64 };

enum operation_kind {
    OPERATION_CONSTANT,
    OPERATION_NAME,
    OPERATION_OR,
    OPERATION_AND,
    OPERATION_NOT,
    OPERATION_EQUAL,
    OPERATION_UNEQUAL,
    OPERATION_LESS,
    OPERATION_AT_MOST,
    OPERATION_GREATER,
    OPERATION_AT_LEAST,
    OPERATION_ADD,
    OPERATION_SUBTRACT,
    OPERATION_MULTIPLY,
    OPERATION_DIVIDE,
    OPERATION_REMAINDER,
    OPERATION_NEGATE,
    OPERATION_MIN,
    OPERATION_MAX,
    OPERATION_FLOOR,
    OPERATION_CEIL,
    OPERATION_LOG2,
    OPERATION_KIND_COUNT
};

/* Words longer than their own beginnings come first: "<=" before "<". */
static const struct {
    enum operation_kind kind;
    const char *word;
    unsigned level; /* of binary operators: 1 binds loosest; 0: a function or prefix */
    unsigned operands;
} operators[] = {
    {OPERATION_OR, "or", 1, 2},       {OPERATION_AND, "and", 2, 2},
    {OPERATION_NOT, "not", 0, 1},     {OPERATION_EQUAL, "==", 3, 2},
    {OPERATION_UNEQUAL, "!=", 3, 2},  {OPERATION_AT_MOST, "<=", 3, 2},
    {OPERATION_AT_LEAST, ">=", 3, 2}, {OPERATION_LESS, "<", 3, 2},
    {OPERATION_GREATER, ">", 3, 2},   {OPERATION_ADD, "+", 4, 2},
    {OPERATION_SUBTRACT, "-", 4, 2},  {OPERATION_MULTIPLY, "*", 5, 2},
    {OPERATION_DIVIDE, "/", 5, 2},    {OPERATION_REMAINDER, "%", 5, 2},
    {OPERATION_MIN, "min", 0, 2},     {OPERATION_MAX, "max", 0, 2},
    {OPERATION_FLOOR, "floor", 0, 1}, {OPERATION_CEIL, "ceil", 0, 1},
    {OPERATION_LOG2, "log2", 0, 1},
};
enum { OPERATOR_COUNT = sizeof operators / sizeof *operators, COMPARISON = 3, TIGHTEST = 5 };

struct operation {
    enum operation_kind kind;
    unsigned operands[2]; /* indices of earlier operations */
    unsigned name;
    struct expression_value constant;
};

struct expression {
    const char *text;
    struct mark mark;
    struct operation operations[MOST_OPERATIONS];
    unsigned operation_count;
    const char *names[MOST_NAMES];
    size_t name_count;
};

struct parser {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct expression *expression;
    const char *rest;
    unsigned depth;
    bool failed;
};

static void skip_blanks(struct parser *parser)
{
    parser->rest += strspn(parser->rest, " \t\r\n");
}

/* The first fault only: what follows from it is noise. Returns an index that may be read. */
static unsigned fail(struct parser *parser, const char *expected)
{
    if (!parser->failed) {
        const char *found = parser->rest[0] == '\0'
                                ? "at its end"
                                : arena_printf(parser->arena, "at '%.40s'", parser->rest);
        DIAGNOSE_ERROR(parser->diagnostics, parser->expression->mark, "'%.200s': %s: expected %s",
                       parser->expression->text, found, expected);
    }
    parser->failed = true;
    return 0;
}

static unsigned add(struct parser *parser, struct operation operation)
{
    struct expression *expression = parser->expression;
    if (expression->operation_count == MOST_OPERATIONS) {
        return fail(parser, "a shorter expression; write several, all must hold");
    }
    expression->operations[expression->operation_count] = operation;
    return expression->operation_count++;
}

static bool is_word_character(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* Takes the operator or bracket if it is what comes next. */
static bool take(struct parser *parser, const char *word)
{
    skip_blanks(parser);
    size_t length = strlen(word);
    bool there = strncmp(parser->rest, word, length) == 0;
    if (there && isalpha((unsigned char)word[0]) && is_word_character(parser->rest[length])) {
        there = false;
    }
    parser->rest += there ? length : 0;
    return there;
}

static unsigned parse_level(struct parser *parser, unsigned level);

static unsigned parse_name(struct parser *parser, const char *name)
{
    struct expression *expression = parser->expression;
    size_t index = 0;
    while (index < expression->name_count && strcmp(expression->names[index], name) != 0) {
        index++;
    }
    if (index == MOST_NAMES) {
        return fail(parser, "fewer names");
    }
    if (index == expression->name_count) {
        expression->names[expression->name_count++] = name;
    }
    return add(parser, (struct operation){.kind = OPERATION_NAME, .name = (unsigned)index});
}

/* What follows the word of a function or prefix: its operands. */
static unsigned parse_call(struct parser *parser, size_t operator_index)
{
    struct operation operation = {.kind = operators[operator_index].kind};
    if (operation.kind == OPERATION_NOT) {
        operation.operands[0] = parse_level(parser, COMPARISON);
        return add(parser, operation);
    }
    if (!take(parser, "(")) {
        return fail(parser, "'('");
    }
    for (unsigned i = 0; i < operators[operator_index].operands; i++) {
        if (i > 0 && !take(parser, ",")) {
            return fail(parser, "','");
        }
        operation.operands[i] = parse_level(parser, 1);
    }
    return take(parser, ")") ? add(parser, operation) : fail(parser, "')'");
}

/* A number, and the unit behind it when a word that is no operator follows. */
static unsigned parse_number(struct parser *parser)
{
    size_t length = strspn(parser->rest, "0123456789_.");
    if (parser->rest[length] == 'e' || parser->rest[length] == 'E') {
        size_t sign = length + 1 + strspn(parser->rest + length + 1, "+-");
        size_t digits = strspn(parser->rest + sign, "0123456789");
        length = digits > 0 ? sign + digits : length;
    }
    const char *after = parser->rest + length + strspn(parser->rest + length, " \t");
    size_t unit = strspn(after, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    bool is_operator =
        (unit == 2 && strncmp(after, "or", 2) == 0) || (unit == 3 && strncmp(after, "and", 3) == 0);
    if (unit > 0 && !is_operator) {
        if (after[unit] == '/' && isalpha((unsigned char)after[unit + 1])) { /* GB/s */
            unit += 1 + strspn(after + unit + 1, "abcdefghijklmnopqrstuvwxyz");
        }
        length = (size_t)(after - parser->rest) + unit;
    }
    const char *text = arena_printf(parser->arena, "%.*s", (int)length, parser->rest);
    for (enum quantity quantity = QUANTITY_NONE; quantity < QUANTITY_COUNT; quantity++) {
        struct quantity_reading reading = quantity_read(text, quantity);
        if (reading.fault == QUANTITY_OK) {
            parser->rest += length;
            return add(parser, (struct operation){.kind = OPERATION_CONSTANT,
                                                  .constant = {.number = reading.value}});
        }
    }
    return fail(parser, "a number, with a unit or none");
}

static unsigned parse_quoted(struct parser *parser)
{
    char quote = parser->rest[0];
    const char *end = strchr(parser->rest + 1, quote);
    if (end == NULL) {
        return fail(parser, "the text's closing quote");
    }
    const char *text =
        arena_printf(parser->arena, "%.*s", (int)(end - parser->rest - 1), parser->rest + 1);
    parser->rest = end + 1;
    return add(parser, (struct operation){.kind = OPERATION_CONSTANT,
                                          .constant = {.type = EXPRESSION_TEXT, .text = text}});
}

static unsigned parse_word(struct parser *parser)
{
    for (int truth = 0; truth <= 1; truth++) {
        if (take(parser, truth ? "true" : "false")) {
            return add(parser,
                       (struct operation){.kind = OPERATION_CONSTANT,
                                          .constant = {.type = EXPRESSION_TRUTH, .number = truth}});
        }
    }
    for (size_t i = 0; i < OPERATOR_COUNT; i++) {
        if (operators[i].level == 0 && take(parser, operators[i].word)) {
            return parse_call(parser, i);
        }
    }
    size_t length = 0;
    while (is_word_character(parser->rest[length])) {
        length++;
    }
    const char *name = arena_printf(parser->arena, "%.*s", (int)length, parser->rest);
    parser->rest += length;
    return parse_name(parser, name);
}

static unsigned parse_primary(struct parser *parser)
{
    skip_blanks(parser);
    char first = parser->rest[0];
    if (take(parser, "(")) {
        unsigned inside = parse_level(parser, 1);
        return take(parser, ")") ? inside : fail(parser, "')'");
    }
    if (take(parser, "-")) {
        unsigned operand = parse_primary(parser);
        return add(parser, (struct operation){.kind = OPERATION_NEGATE, .operands = {operand}});
    }
    if (isdigit((unsigned char)first)) {
        return parse_number(parser);
    }
    if (first == '"' || first == '\'') {
        return parse_quoted(parser);
    }
    return isalpha((unsigned char)first) ? parse_word(parser)
                                         : fail(parser, "a number, a key, a text or '('");
}

static unsigned parse_level(struct parser *parser, unsigned level)
{
    if (parser->failed) {
        return 0;
    }
    if (parser->depth >= DEEPEST) {
        return fail(parser, "fewer brackets");
    }
    parser->depth++;
    unsigned left = level > TIGHTEST ? parse_primary(parser) : parse_level(parser, level + 1);
    for (size_t i = 0; level <= TIGHTEST && i < OPERATOR_COUNT && !parser->failed;) {
        if (operators[i].level != level || !take(parser, operators[i].word)) {
            i++;
            continue;
        }
        unsigned right = parse_level(parser, level + 1);
        left =
            add(parser, (struct operation){.kind = operators[i].kind, .operands = {left, right}});
        i = level == COMPARISON ? (size_t)OPERATOR_COUNT : 0; /* a < b < c is a slip */
    }
    parser->depth--;
    return left;
}

struct expression *expression_parse(struct arena *arena, const char *text, struct mark mark,
                                    struct diagnostics *diagnostics)
{
    struct expression *expression = ARENA_NEW(arena, struct expression);
    expression->text = text;
    expression->mark = mark;
    struct parser parser = {
        .arena = arena, .diagnostics = diagnostics, .expression = expression, .rest = text};
    parse_level(&parser, 1);
    skip_blanks(&parser);
    if (!parser.failed && parser.rest[0] != '\0') {
        fail(&parser, "an operator such as '<=', 'and', or the end");
    }
    return parser.failed ? NULL : expression;
}

const char *expression_text(const struct expression *expression)
{
    return expression->text;
}

size_t expression_name_count(const struct expression *expression)
{
    return expression->name_count;
}

const char *expression_name(const struct expression *expression, size_t index)
{
    assert(index < expression->name_count && "a name that the expression lacks");
    return expression->names[index];
}

/* What an operation takes and gives. */
static enum expression_type operand_type(enum operation_kind kind)
{
    return kind == OPERATION_OR || kind == OPERATION_AND || kind == OPERATION_NOT
               ? EXPRESSION_TRUTH
               : EXPRESSION_NUMBER;
}

static enum expression_type result_type(enum operation_kind kind)
{
    return kind <= OPERATION_AT_LEAST ? EXPRESSION_TRUTH : EXPRESSION_NUMBER;
}

static unsigned operand_count(enum operation_kind kind)
{
    if (kind == OPERATION_NEGATE) {
        return 1;
    }
    for (size_t i = 0; i < OPERATOR_COUNT; i++) {
        if (operators[i].kind == kind) {
            return operators[i].operands;
        }
    }
    return 0;
}

static const char *type_name(enum expression_type type)
{
    static const char *const names[] = {[EXPRESSION_NUMBER] = "a number",
                                        [EXPRESSION_TEXT] = "a text",
                                        [EXPRESSION_TRUTH] = "true or false"};
    return names[type];
}

static bool operands_suit(const struct operation *operation, const enum expression_type *types)
{
    unsigned count = operand_count(operation->kind);
    enum expression_type first = types[operation->operands[0]],
                         second = types[operation->operands[count == 2]];
    if (operation->kind == OPERATION_EQUAL || operation->kind == OPERATION_UNEQUAL) {
        return first == second;
    }
    enum expression_type wanted = operand_type(operation->kind);
    return count == 0 || (first == wanted && second == wanted);
}

static const char *word_of(enum operation_kind kind)
{
    for (size_t i = 0; i < OPERATOR_COUNT; i++) {
        if (operators[i].kind == kind) {
            return operators[i].word;
        }
    }
    return "-";
}

bool expression_check(const struct expression *expression, const enum expression_type *types,
                      struct diagnostics *diagnostics)
{
    enum expression_type found[MOST_OPERATIONS] = {0};
    for (unsigned i = 0; i < expression->operation_count; i++) {
        const struct operation *operation = &expression->operations[i];
        if (operation->kind == OPERATION_CONSTANT) {
            found[i] = operation->constant.type;
        } else if (operation->kind == OPERATION_NAME) {
            found[i] = types[operation->name];
        } else if (operands_suit(operation, found)) {
            found[i] = result_type(operation->kind);
        } else {
            unsigned last = operand_count(operation->kind) - 1;
            DIAGNOSE_ERROR(diagnostics, expression->mark, "'%.200s': '%s' does not go with %s%s%s",
                           expression->text, word_of(operation->kind),
                           type_name(found[operation->operands[0]]), last > 0 ? " and " : "",
                           last > 0 ? type_name(found[operation->operands[last]]) : "");
            return false;
        }
    }
    enum expression_type whole = found[expression->operation_count - 1];
    if (whole != EXPRESSION_TRUTH) {
        DIAGNOSE_ERROR(diagnostics, expression->mark,
                       "'%.200s' is %s; expected a condition such as 'layout.tensor <= 8'",
                       expression->text, type_name(whole));
    }
    return whole == EXPRESSION_TRUTH;
}

static bool equal(const struct expression_value *left, const struct expression_value *right)
{
    if (left->type == EXPRESSION_TEXT) {
        return strcmp(left->text, right->text) == 0;
    }
    return left->number >= right->number && left->number <= right->number;
}

static double apply(enum operation_kind kind, const struct expression_value *left,
                    const struct expression_value *right)
{
    double a = left->number, b = right->number;
    switch (kind) {
    case OPERATION_OR:
        return a > 0.0 || b > 0.0;
    case OPERATION_AND:
        return a > 0.0 && b > 0.0;
    case OPERATION_NOT:
        return !(a > 0.0);
    case OPERATION_EQUAL:
        return equal(left, right);
    case OPERATION_UNEQUAL:
        return !equal(left, right);
    case OPERATION_LESS:
        return a < b;
    case OPERATION_AT_MOST:
        return a <= b;
    case OPERATION_GREATER:
        return a > b;
    case OPERATION_AT_LEAST:
        return a >= b;
    case OPERATION_ADD:
        return a + b;
    case OPERATION_SUBTRACT:
        return a - b;
    case OPERATION_MULTIPLY:
        return a * b;
    case OPERATION_DIVIDE:
        return b < 0.0 || b > 0.0 ? a / b : (double)NAN;
    case OPERATION_REMAINDER:
        return b < 0.0 || b > 0.0 ? fmod(a, b) : (double)NAN;
    case OPERATION_NEGATE:
        return -a;
    case OPERATION_MIN:
        return fmin(a, b);
    case OPERATION_MAX:
        return fmax(a, b);
    case OPERATION_FLOOR:
        return floor(a);
    case OPERATION_CEIL:
        return ceil(a);
    case OPERATION_LOG2:
        return a > 0.0 ? log2(a) : (double)NAN;
    case OPERATION_CONSTANT:
    case OPERATION_NAME:
    case OPERATION_KIND_COUNT:
        break;
    }
    assert(false && "an operation that computes");
    return NAN;
}

bool expression_holds(const struct expression *expression, const struct expression_value *values)
{
    struct expression_value found[MOST_OPERATIONS];
    for (unsigned i = 0; i < expression->operation_count; i++) {
        const struct operation *operation = &expression->operations[i];
        if (operation->kind == OPERATION_CONSTANT) {
            found[i] = operation->constant;
        } else if (operation->kind == OPERATION_NAME) {
            found[i] = values[operation->name];
        } else {
            found[i] = (struct expression_value){
                .type = result_type(operation->kind),
                .number = apply(operation->kind, &found[operation->operands[0]],
                                &found[operation->operands[1]]),
            };
        }
    }
    return found[expression->operation_count - 1].number > 0.0;
}
