/* SPDX-License-Identifier: MIT */
#include "sim/scenario/classes.h"

static struct node *class_nodes(struct node *root)
{
    struct node *classes = node_find(root, "workload.classes");
    return classes != NULL && classes->kind == NODE_LIST ? classes : NULL;
}

/* Copies keys of `from` that `to` lacks. */
static void copy_keys(struct arena *arena, const struct node *from, struct node *to,
                      const char *const *keys)
{
    for (size_t i = 0; keys[i] != NULL; i++) {
        const struct node_entry *entry = node_entry(from, keys[i]);
        if (entry != NULL && node_get(to, keys[i]) == NULL) {
            node_put(arena, to, keys[i], entry->key_mark, node_copy(arena, entry->value));
        }
    }
}

void classes_inherit(struct arena *arena, struct node *root)
{
    static const char *const whole[] = {"lengths",  "system_prompt", "sessions",
                                        "adapters", "priority",      "timeout",
                                        "cancel",   "slo",           NULL};
    static const struct {
        const char *mapping, *keys[3]; /* of which each may be left out by itself */
    } parts[] = {{"lengths", {"prompt", "output", NULL}},
                 {"slo", {"ttft", "tpot", NULL}},
                 {"timeout", {"total", "first_token", NULL}}};
    const struct node *workload = node_get(root, "workload");
    const struct node *classes = class_nodes(root);
    for (size_t i = 0; classes != NULL && i < classes->count; i++) {
        struct node *item = classes->items[i];
        if (item->kind != NODE_MAPPING) {
            continue;
        }
        copy_keys(arena, workload, item, whole);
        for (size_t j = 0; j < sizeof parts / sizeof *parts; j++) {
            const struct node *from = node_get(workload, parts[j].mapping);
            struct node *to = node_get(item, parts[j].mapping);
            if (from != NULL && from->kind == NODE_MAPPING && to->kind == NODE_MAPPING) {
                copy_keys(arena, from, to, parts[j].keys);
            }
        }
    }
}

void classes_finish(struct node *root, struct serving *serving)
{
    const struct node *classes = class_nodes(root);
    for (size_t i = 0; classes != NULL && classes->accepted && i < serving->class_count; i++) {
        serving->classes[i].has_arrivals = node_get(classes->items[i], "arrivals") != NULL;
    }
}

const char *class_path(const struct checker *checker, size_t index, const char *key)
{
    return checker->scenario->serving.class_count == 0
               ? arena_printf(checker->arena, "workload.%s", key)
               : arena_printf(checker->arena, "workload.classes.%zu.%s", index, key);
}

/* --- what must hold --- */

static void check_name(const struct checker *checker, size_t index)
{
    const struct serving *serving = &checker->scenario->serving;
    const char *name = serving->classes[index].name;
    for (size_t i = 0; i < index && name != NULL; i++) {
        if (serving->classes[i].name != NULL && figures_alike(serving->classes[i].name, name)) {
            const char *path = class_path(checker, index, "name");
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                           "%s: '%s' is the name of class %zu, '%s' (in figures '-' and '.' are "
                           "'_'); give it another",
                           path, name, i, serving->classes[i].name);
            return;
        }
    }
}

static void check_lengths(const struct checker *checker, size_t index, const char *name,
                          enum length_kind kind, const struct length *length)
{
    if (kind == LENGTH_UNIFORM && length->least > length->most) {
        const char *path =
            class_path(checker, index, arena_printf(checker->arena, "lengths.%s.least", name));
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: is more than `most`, %llu tokens", path,
                       (unsigned long long)length->most);
    }
}

static bool has_texts(const struct arrivals *arrivals)
{
    return arrivals->file != NULL && (arrivals->format == REQUEST_TRACE_SHAREGPT ||
                                      arrivals->format == REQUEST_TRACE_PROMPTS);
}

/* Keys of a file's format. `path`: of the arrivals. */
static void check_format(const struct checker *checker, const char *path,
                         const struct request_class *of)
{
    const char *characters = arena_printf(checker->arena, "%s.characters_per_token", path);
    const char *format = arena_printf(checker->arena, "%s.format", path);
    const double usual = 4.0; /* class_table.c */
    double asked = of->arrivals.characters_per_token;
    if (!has_texts(&of->arrivals) && (asked < usual || asked > usual) && asked > 0.0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, characters),
                       "%s: nobody counts characters here; formats sharegpt and prompts have texts",
                       characters);
    }
    const char *limit = arena_printf(checker->arena, "%s.limit", path);
    const struct node *said = node_find(checker->tree, format);
    if (of->arrivals.file == NULL && said != NULL && !is_default(said, format)) {
        DIAGNOSE_ERROR(checker->diagnostics, said->mark,
                       "%s: there is no file of requests; name it as `file`", format);
    }
    if (of->arrivals.file == NULL && of->arrivals.limit > 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, limit),
                       "%s: there is no file of requests; name it as `file`, or say "
                       "workload.requests",
                       limit);
    }
    if (has_texts(&of->arrivals) && of->arrival == ARRIVAL_TRACE) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, format),
                       "%s: such a file does not say when requests come; name it as `file` of "
                       "another kind of arrivals: poisson, gamma, constant, burst, at-once or "
                       "closed-loop",
                       format);
    }
}

/* `path`: of the columns. */
static void check_columns(const struct checker *checker, const char *path,
                          const struct arrivals *arrivals)
{
    const struct trace_columns *columns = &arrivals->columns;
    bool named = columns->arrival != NULL || columns->prompt != NULL || columns->output != NULL ||
                 columns->session != NULL || columns->unit != 0;
    if (named && (arrivals->format != REQUEST_TRACE_CSV || arrivals->file == NULL)) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: nobody reads them here; they name the columns of a file of format csv",
                       path);
    }
}

static void check_own_arrivals(const struct checker *checker, size_t index)
{
    const struct request_class *of = &checker->scenario->serving.classes[index];
    const char *share = class_path(checker, index, "share");
    const char *requests = class_path(checker, index, "requests");
    if (of->has_arrivals && of->share != 1.0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, share),
                       "%s: the class has arrivals of its own, and no share of the workload's; "
                       "leave one out",
                       share);
    }
    if (!of->has_arrivals && of->requests > 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, requests),
                       "%s: counts a class's own arrivals, and it has a share of the workload's; "
                       "leave it out, or say workload.requests",
                       requests);
    }
    if (of->has_arrivals && of->arrival == ARRIVAL_AT_ONCE && of->requests == 0 &&
        !class_reads_requests(of)) {
        const char *path = class_path(checker, index, "arrivals");
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: how many come at once? Say %s", path, requests);
    }
}

/* `most` of lengths whose tail nobody cut (serving_table.c). */
static const uint64_t uncut = 1000000;

static uint64_t longest(enum length_kind kind, const struct length *length)
{
    switch (kind) {
    case LENGTH_FIXED:
        return length->tokens;
    case LENGTH_UNIFORM:
        return length->most;
    case LENGTH_EXPONENTIAL:
    case LENGTH_LOGNORMAL:
        return length->most < uncut ? length->most : (uint64_t)length->mean;
    case LENGTH_EMPIRICAL:
    case LENGTH_KIND_COUNT:
        break;
    }
    return 0;
}

/* Of lengths without an end the mean counts; a trace's requests are checked when it is read. */
static void check_context(const struct checker *checker, size_t index)
{
    const struct serving *serving = &checker->scenario->serving;
    const struct request_class *of = serving_class(serving, index);
    uint64_t context = checker->scenario->llm.context;
    if (context == 0 || class_reads_requests(serving_caller(serving, of))) {
        return;
    }
    uint64_t prompt = of->system_tokens + longest(of->prompt_kind, &of->prompt);
    uint64_t output = longest(of->output_kind, &of->output);
    if (prompt + output > context) {
        const char *path = class_path(checker, index, "lengths");
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: requests of up to %llu + %llu tokens, and the model was made for %llu "
                       "(model.context); engines refuse them. Shorten them, or raise model.context",
                       path, (unsigned long long)prompt, (unsigned long long)output,
                       (unsigned long long)context);
    }
}

static void check_priority(const struct checker *checker, size_t index)
{
    const struct serving *serving = &checker->scenario->serving;
    const struct request_class *of = serving_class(serving, index);
    if (of->priority > 0 && !serving->service.priorities) {
        const char *path = class_path(checker, index, "priority");
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: the scheduler does not look at it unless workload.service.priorities "
                       "is true; say that, or leave it out",
                       path);
    }
}

static void check_class(const struct checker *checker, size_t index)
{
    const struct serving *serving = &checker->scenario->serving;
    const struct request_class *of = serving_class(serving, index);
    const struct request_class *caller = serving_caller(serving, of);
    const char *arrivals =
        of->has_arrivals ? class_path(checker, index, "arrivals") : "workload.arrivals";
    const char *lengths = class_path(checker, index, "lengths");
    if (is_known(checker, arrivals) && !class_reads_requests(caller) &&
        node_find(checker->tree, lengths) == NULL) {
        DIAGNOSE_ERROR(
            checker->diagnostics,
            mark_of(checker, serving->class_count > 0
                                 ? arena_printf(checker->arena, "workload.classes.%zu", index)
                                 : "workload"),
            "missing required key '%s'; expected a mapping of: prompt, output", lengths);
    }
    if (of->has_arrivals) {
        check_input_file(checker, class_path(checker, index, "arrivals.file"), of->arrivals.file);
        check_columns(checker, class_path(checker, index, "arrivals.columns"), &of->arrivals);
        check_format(checker, class_path(checker, index, "arrivals"), of);
    }
    check_input_file(checker, class_path(checker, index, "lengths.prompt.file"), of->prompt.file);
    check_input_file(checker, class_path(checker, index, "lengths.output.file"), of->output.file);
    check_lengths(checker, index, "prompt", of->prompt_kind, &of->prompt);
    check_lengths(checker, index, "output", of->output_kind, &of->output);
    check_context(checker, index);
    check_priority(checker, index);
    if (of->system_tokens > 0 && class_reads_requests(caller) &&
        (caller->arrivals.format == REQUEST_TRACE_MOONCAKE ||
         caller->arrivals.format == REQUEST_TRACE_BAILIAN)) {
        const char *path = class_path(checker, index, "system_prompt");
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: a trace with hash_ids says block by block what prompts have in common; "
                       "leave it out",
                       path);
    }
}

/* Whether any class has a share of the workload's arrivals. */
static bool anyone_shares(const struct serving *serving)
{
    for (size_t i = 0; i < serving_class_count(serving); i++) {
        if (!serving_class(serving, i)->has_arrivals) {
            return true;
        }
    }
    return false;
}

void classes_check(const struct checker *checker)
{
    const struct serving *serving = &checker->scenario->serving;
    bool there = node_find(checker->tree, "workload.arrivals") != NULL;
    bool shared = anyone_shares(serving);
    if (shared && !there) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload"),
                       "missing required key 'workload.arrivals'; expected a mapping with a "
                       "'kind', one of: poisson, gamma, constant, burst, at-once, closed-loop, "
                       "trace");
    } else if (!shared && there) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.arrivals"),
                       "workload.arrivals: every class has arrivals of its own; leave these out");
    }
    check_input_file(checker, "workload.arrivals.file", serving->every.arrivals.file);
    check_columns(checker, "workload.arrivals.columns", &serving->every.arrivals);
    check_format(checker, "workload.arrivals", &serving->every);
    for (size_t i = 0; i < serving->class_count; i++) {
        check_name(checker, i);
        check_own_arrivals(checker, i);
    }
    for (size_t i = 0; i < serving_class_count(serving); i++) {
        check_class(checker, i);
    }
}
