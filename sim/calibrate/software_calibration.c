/* SPDX-License-Identifier: MIT */
#include "sim/calibrate/software_calibration.h"

#include "models/numeric/simplex.h"
#include "sim/config/find.h"
#include "sim/scenario/tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What belongs to a host and to no case, model or kernel. Of the loop, its launches (prepare,
 * sample) and what it does with outputs (take_in, take_in_sequence) hide under the GPU's work and
 * stand beside own_launch and request in every TTFT: an executor's own log shows them, no client.
 */
const struct software_constant software_constants[] = {
    {"loop.schedule", EVIDENCE_SCHEDULER},  {"loop.schedule_sequence", EVIDENCE_SCHEDULER},
    {"loop.own_launch", EVIDENCE_REQUESTS}, /* keys of one mapping stand together */
    {"piecewise_layer", EVIDENCE_STEPS},    {"prefill_layer", EVIDENCE_STEPS},
    {"experts_layer", EVIDENCE_STEPS},      {"narrow_experts_layer", EVIDENCE_STEPS},
    {"latent_layer", EVIDENCE_STEPS},       {"shared_experts_layer", EVIDENCE_STEPS},
    {"decode_layer", EVIDENCE_STEPS},       {"latent_decode_layer", EVIDENCE_STEPS},
    {"experts_block", EVIDENCE_STEPS},      {"step", EVIDENCE_STEPS},
    {"step_sequence", EVIDENCE_STEPS},      {"request", EVIDENCE_REQUESTS},
    {"answer_sequence", EVIDENCE_REQUESTS}, {NULL, EVIDENCE_COUNT},
};

enum {
    HELD_EVERY = 5,      /* rows of a class: every fifth is kept out of the fit ... */
    HELD_EVERY_CASE = 3, /* ... and of cases every third, of three and more */
    CLASS_ROWS = 60,     /* of a class, evenly from first to last, so that none outweighs another */
    SHOWN_LEAST = 10,    /* rows that move with a constant, below which it stays */
    EVALUATIONS = 250,
    CASE_EVALUATIONS = 40
};
static const double straight_from = 0.03; /* as in models/kernels/gpu_fit.c: large errors count
                                             straight, so that one bad row weighs as one row */
static const double first_step = 0.2, tolerance = 1e-4;
static const double coarse[] = {0.25, 0.5, 0.7, 1.4,
                                2.0,  2.8, 4.0};  /* tried first, of each alone */
static const double nudge = 3.0, noticed = 0.005; /* a row shows a constant when three times as much
                                                    of it changes the row by half a per cent: most
                                                    are floors, which a little more may not reach */
static const double least_gain = 0.01, least_cost = 1e-5; /* less is rounding */
static const double least_factor = 0.05, most_factor = 20.0;
static const double stray = 5.0; /* times its class's median: a kernel was compiled, say */

struct run {
    struct arena *arena;
    const struct software_calibration_request *request;
    struct software_calibration *calibration;
    struct diagnostics *diagnostics;
    struct comparison rows;
    /* Rows that are used, of any class: [used_count], and whether each is held out. */
    const struct compared_row **used;
    bool *held;
    size_t used_count;
    struct client_comparison cases; /* with the base */
    bool *case_held;
};

double *software_constant_at(struct software *software, const char *key)
{
    const char *path = key;
    const struct field *fields = software_fields;
    char *object = (char *)software;
    for (;;) {
        size_t length = strcspn(path, ".");
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)length, path);
        const struct field *field = field_find(fields, name);
        if (field == NULL) {
            return NULL;
        }
        object += field->offset;
        if (path[length] == '\0') {
            return field->size == sizeof(double) ? (double *)(void *)object : NULL;
        }
        fields = field->fields;
        path += length + 1;
    }
}

bool software_calibration_moved(const struct software_calibration *calibration)
{
    for (size_t i = 0; i < calibration->constant_count; i++) {
        if (calibration->constants[i].end == FIT_MOVED) {
            return true;
        }
    }
    return false;
}

/* --- which rows say something of a step alone --- */

static double field_number(const struct csv *csv, const struct csv_row *row, const char *column)
{
    int index = csv_column(csv, column);
    return index == CSV_NO_COLUMN ? 0.0 : strtod(row->fields[index].text, NULL);
}

/* The engine's loop launches the step's layers itself, and takes nothing in meanwhile. */
static bool loop_launches(const struct software *software, const struct csv *csv,
                          const struct csv_row *row)
{
    double ranks =
        fmax(1.0, field_number(csv, row, "tensor")) * fmax(1.0, field_number(csv, row, "expert"));
    return software->schedules_ahead && ranks < software->loop.worker_ranks &&
           field_number(csv, row, "tokens") > software->piecewise_tokens;
}

static bool stands_alone(const struct software *software, const struct compared_row *row)
{
    const struct csv *csv = row->csv;
    size_t place = (size_t)(row->row - csv->rows);
    return !loop_launches(software, csv, row->row) &&
           (place + 1 == csv->row_count || !loop_launches(software, csv, row->row + 1));
}

static enum evidence evidence_of(const struct figure *figure)
{
    return strcmp(figure->column, "schedule_ms") == 0 ? EVIDENCE_SCHEDULER : EVIDENCE_STEPS;
}

static int by_number(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Rows of a class: of those that stand alone and are no strays CLASS_ROWS, evenly. */
static void choose_rows(struct run *run, const char *class, struct fitted_class *found)
{
    const struct comparison *rows = &run->rows;
    const struct compared_row **fine =
        ARENA_ARRAY(run->arena, const struct compared_row *, rows->row_count + 1);
    double *measured = ARENA_ARRAY(run->arena, double, rows->row_count + 1);
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < rows->row_count; i++) {
        const struct figure *figure = &rows->rows[i].figures[0];
        if (rows->rows[i].figure_count == 0 || strcmp(figure->class, class) != 0) {
            continue;
        }
        if (stands_alone(&run->request->scenario->software, &rows->rows[i])) {
            measured[count] = figure->measured / figure->predicted;
            fine[count++] = &rows->rows[i];
        } else {
            found->left_out++;
        }
    }
    if (count == 0) {
        return;
    }
    qsort(measured, count, sizeof *measured, by_number);
    double most = stray * measured[count / 2];
    for (size_t i = 0; i < count; i++) {
        if (fine[i]->figures[0].measured / fine[i]->figures[0].predicted <= most) {
            fine[kept++] = fine[i];
        } else {
            found->left_out++;
        }
    }
    size_t taken = kept < CLASS_ROWS ? kept : CLASS_ROWS;
    for (size_t i = 0; i < taken; i++) {
        bool held = taken >= HELD_EVERY && i % HELD_EVERY == HELD_EVERY - 1;
        run->held[run->used_count] = held;
        run->used[run->used_count++] = fine[i * kept / taken];
        found->held += held;
        found->used += !held;
    }
}

/* --- costs --- */

static double cost(double predicted, double measured)
{
    double error = log(predicted / measured);
    return sqrt(error * error + straight_from * straight_from) - straight_from;
}

/* The used rows' figures with a software, in a scratch arena. */
static struct figure (*predict(const struct run *run, struct arena *scratch,
                               const struct software *software))[MEASUREMENT_MAX_FIGURES]
{
    struct figure(*figures)[MEASUREMENT_MAX_FIGURES] =
        arena_array(scratch, run->used_count + 1, sizeof *figures);
    const struct scenario *scenario = run->request->scenario;
    const struct comparison_request request = {.gpu_values = &scenario->gpu,
                                               .cluster_values = &scenario->cluster,
                                               .software_values = software};
    comparison_predict_again(scratch, &request, run->used, run->used_count, figures);
    return figures;
}

static const struct figure *figure_of(const struct figure *figures, enum evidence evidence)
{
    for (size_t i = 0; i < MEASUREMENT_MAX_FIGURES && figures[i].class != NULL; i++) {
        if (evidence_of(&figures[i]) == evidence) {
            return &figures[i];
        }
    }
    return NULL;
}

/* Mean cost of the rows that are held out, or of the others. */
static double rows_cost(const struct run *run, const struct software *software,
                        enum evidence evidence, bool held)
{
    struct arena *scratch = arena_create();
    const struct figure(*figures)[MEASUREMENT_MAX_FIGURES] =
        (const struct figure(*)[MEASUREMENT_MAX_FIGURES])predict(run, scratch, software);
    double sum = 0.0;
    size_t count = 0;
    for (size_t i = 0; i < run->used_count; i++) {
        const struct figure *figure = figure_of(figures[i], evidence);
        if (figure != NULL && run->held[i] == held) {
            sum += cost(figure->predicted, figure->measured);
            count++;
        }
    }
    arena_destroy(scratch);
    return count == 0 ? 0.0 : sum / (double)count;
}

/* The mean of the median errors of the classes. */
static double medians(const struct run *run, const struct software *software,
                      enum evidence evidence, bool held)
{
    struct arena *scratch = arena_create();
    const struct figure(*figures)[MEASUREMENT_MAX_FIGURES] =
        (const struct figure(*)[MEASUREMENT_MAX_FIGURES])predict(run, scratch, software);
    double *errors = ARENA_ARRAY(scratch, double, run->used_count + 1), sum = 0.0;
    size_t classes = 0;
    for (size_t i = 0; i < run->rows.class_count; i++) {
        size_t count = 0;
        for (size_t j = 0; j < run->used_count; j++) {
            const struct figure *figure = figure_of(figures[j], evidence);
            if (figure != NULL && run->held[j] == held &&
                strcmp(figure->class, run->rows.classes[i].name) == 0) {
                errors[count++] = figure_error(figure);
            }
        }
        sum += count == 0 ? 0.0 : errors_summarise(errors, count).median;
        classes += count > 0;
    }
    arena_destroy(scratch);
    return classes == 0 ? 0.0 : sum / (double)classes;
}

/* Of a case: the figures that people look at first. */
static double case_cost(const struct client_figures *measured,
                        const struct client_figures *predicted)
{
    static const enum client_time times[] = {CLIENT_TTFT, CLIENT_TPOT, CLIENT_E2E};
    static const enum client_statistic statistics[] = {CLIENT_MEAN, CLIENT_P50};
    double sum = 0.0;
    size_t count = 0;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        for (size_t j = 0; j < sizeof statistics / sizeof *statistics; j++) {
            double seen = measured->seconds[times[i]][statistics[j]];
            double said = predicted->seconds[times[i]][statistics[j]];
            if (seen > 0.0 && said > 0.0) {
                sum += cost(said, seen);
                count++;
            }
        }
    }
    return count == 0 ? 0.0 : sum / (double)count;
}

static struct client_figures replay_with(const struct run *run, struct arena *scratch,
                                         const struct client_case *one,
                                         const struct software *software)
{
    struct scenario *scenario = ARENA_NEW(scratch, struct scenario);
    *scenario = *run->request->scenario;
    scenario->software = *software;
    struct diagnostics *unsaid = diagnostics_create();
    struct replay_prices *prices = replay_prices_create(scratch);
    struct replay replay = {.unanswered = 0};
    replay_run(scratch, scenario, one, prices, &replay, unsaid);
    replay_prices_destroy(prices);
    diagnostics_destroy(unsaid);
    return replay.figures;
}

static double cases_cost(const struct run *run, const struct software *software, bool held)
{
    struct arena *scratch = arena_create();
    double sum = 0.0;
    size_t count = 0;
    for (size_t i = 0; i < run->cases.count; i++) {
        const struct client_case *one = run->cases.cases[i].one;
        if (run->case_held[i] == held && one->count > 0) {
            struct client_figures figures = replay_with(run, scratch, one, software);
            sum += case_cost(&one->figures, &figures);
            count++;
        }
    }
    arena_destroy(scratch);
    return count == 0 ? 0.0 : sum / (double)count;
}

static double cost_of(const struct run *run, const struct software *software,
                      enum evidence evidence, bool held)
{
    return evidence == EVIDENCE_REQUESTS ? cases_cost(run, software, held)
                                         : rows_cost(run, software, evidence, held);
}

/* --- one kind of evidence --- */

struct fit {
    const struct run *run;
    enum evidence evidence;
    struct software software;
    struct fitted_constant *constants[SOFTWARE_MAX_CONSTANTS];
    size_t count;
};

static void set_constants(struct fit *fit, const double *logarithms)
{
    for (size_t i = 0; i < fit->count; i++) {
        double factor = fmin(fmax(exp(logarithms[i]), least_factor), most_factor);
        *software_constant_at(&fit->software, fit->constants[i]->constant->key) =
            fit->constants[i]->before * factor;
    }
}

static double fit_value(const double *point, void *context)
{
    struct fit *fit = context;
    set_constants(fit, point);
    return cost_of(fit->run, &fit->software, fit->evidence, false);
}

/* Rows that move when a constant moves; of requests, whether any case does. */
static size_t shown_by(const struct run *run, const struct software_constant *constant)
{
    bool requests = constant->evidence == EVIDENCE_REQUESTS;
    struct software nudged = run->calibration->software;
    *software_constant_at(&nudged, constant->key) *= nudge;
    size_t shown = 0;
    struct arena *scratch = arena_create();
    if (requests) {
        for (size_t i = 0; i < run->cases.count; i++) {
            const struct client_case *one = run->cases.cases[i].one;
            if (one->count == 0) {
                continue;
            }
            struct client_figures figures = replay_with(run, scratch, one, &nudged);
            double before = run->cases.cases[i].replay.figures.seconds[CLIENT_TTFT][CLIENT_MEAN];
            double after = figures.seconds[CLIENT_TTFT][CLIENT_MEAN];
            shown += fabs(after / before - 1.0) > noticed;
        }
    } else {
        const struct figure(*before)[MEASUREMENT_MAX_FIGURES] =
            (const struct figure(*)[MEASUREMENT_MAX_FIGURES])predict(run, scratch,
                                                                     &run->calibration->software);
        const struct figure(*after)[MEASUREMENT_MAX_FIGURES] =
            (const struct figure(*)[MEASUREMENT_MAX_FIGURES])predict(run, scratch, &nudged);
        for (size_t i = 0; i < run->used_count; i++) {
            const struct figure *a = figure_of(before[i], constant->evidence);
            const struct figure *b = figure_of(after[i], constant->evidence);
            shown += a != NULL && b != NULL && fabs(b->predicted / a->predicted - 1.0) > noticed;
        }
    }
    arena_destroy(scratch);
    return shown;
}

/* Four digits are worth writing. */
static double rounded(double value)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.4g", value);
    return strtod(digits, NULL);
}

static void choose_constants(struct run *run, struct fit *fit)
{
    struct software_calibration *calibration = run->calibration;
    size_t least = fit->evidence == EVIDENCE_REQUESTS ? 1 : SHOWN_LEAST;
    for (size_t i = 0; i < calibration->constant_count; i++) {
        struct fitted_constant *constant = &calibration->constants[i];
        if (constant->constant->evidence != fit->evidence) {
            continue;
        }
        constant->before = *software_constant_at(&calibration->software, constant->constant->key);
        constant->after = constant->before;
        constant->end = constant->before > 0.0 ? FIT_NOT_SHOWN : FIT_ZERO;
        constant->shown_by = constant->before > 0.0 ? shown_by(run, constant->constant) : 0;
        if (constant->shown_by >= least) {
            constant->end = FIT_STAYED;
            fit->constants[fit->count++] = constant;
        }
    }
}

/* What was kept out decides, where nothing was, what was fitted: both the mean cost and, of rows,
 * the mean of the classes' medians, which are what one reads, must fall. */
static bool is_better(const struct run *run, enum evidence evidence, const struct software *before,
                      const struct software *after)
{
    bool held = cost_of(run, before, evidence, true) > 0.0;
    double was = cost_of(run, before, evidence, held), is = cost_of(run, after, evidence, held);
    return is < was - fmax(least_gain * was, least_cost) &&
           (evidence == EVIDENCE_REQUESTS ||
            medians(run, after, evidence, held) < medians(run, before, evidence, held));
}

/* Two constants together: what one explains, the other seems to, so the search begins anew for each
 * large step of the second. */
static void search_pairs(struct fit *fit, const struct simplex *simplex, double *point)
{
    enum { STEPS = sizeof coarse / sizeof *coarse };
    double best = fit_value(point, fit), found[2] = {point[0], point[1]};
    for (size_t j = 0; j <= STEPS; j++) {
        double start[2] = {0.0, j == STEPS ? 0.0 : log(coarse[j])}, least = INFINITY;
        for (size_t i = 0; i <= STEPS; i++) {
            point[0] = i == STEPS ? 0.0 : log(coarse[i]);
            point[1] = start[1];
            double value = fit_value(point, fit);
            start[0] = value < least ? point[0] : start[0];
            least = fmin(least, value);
        }
        least = simplex_minimise(simplex, start);
        if (least < best) {
            best = least;
            memcpy(found, start, sizeof found);
        }
    }
    memcpy(point, found, sizeof found);
}

/* One constant after the other, by large steps: floors lie flat until something reaches them. */
static void search_coarsely(struct fit *fit, double *point)
{
    double best = fit_value(point, fit);
    for (size_t i = 0; i < fit->count; i++) {
        double start = point[i], found = start;
        for (size_t j = 0; j < sizeof coarse / sizeof *coarse; j++) {
            point[i] = start + log(coarse[j]);
            double value = fit_value(point, fit);
            if (value < best) {
                best = value;
                found = point[i];
            }
        }
        point[i] = found;
    }
}

static void fit_evidence(struct run *run, enum evidence evidence)
{
    struct software_calibration *calibration = run->calibration;
    struct fit fit = {.run = run, .evidence = evidence, .software = calibration->software};
    choose_constants(run, &fit);
    if (fit.count == 0) {
        return;
    }
    double point[SOFTWARE_MAX_CONSTANTS] = {0.0};
    struct simplex simplex = {.dimensions = fit.count,
                              .value = fit_value,
                              .context = &fit,
                              .step = first_step,
                              .evaluations =
                                  evidence == EVIDENCE_REQUESTS ? CASE_EVALUATIONS : EVALUATIONS,
                              .tolerance = tolerance};
    if (fit.count == 2) {
        search_pairs(&fit, &simplex, point);
    } else {
        search_coarsely(&fit, point);
        simplex_minimise(&simplex, point);
    }
    set_constants(&fit, point);
    for (size_t i = 0; i < fit.count; i++) {
        double *value = software_constant_at(&fit.software, fit.constants[i]->constant->key);
        *value = rounded(*value);
    }
    if (!is_better(run, evidence, &calibration->software, &fit.software)) {
        return;
    }
    for (size_t i = 0; i < fit.count; i++) {
        struct fitted_constant *constant = fit.constants[i];
        constant->after = *software_constant_at(&fit.software, constant->constant->key);
        constant->end = FIT_MOVED;
    }
    calibration->software = fit.software;
}

/* --- what is told --- */

static void summarise_rows(struct run *run, const struct software *before,
                           const struct software *after)
{
    struct arena *scratch = run->arena;
    const struct figure(*old)[MEASUREMENT_MAX_FIGURES] =
        (const struct figure(*)[MEASUREMENT_MAX_FIGURES])predict(run, scratch, before);
    const struct figure(*new)[MEASUREMENT_MAX_FIGURES] =
        (const struct figure(*)[MEASUREMENT_MAX_FIGURES])predict(run, scratch, after);
    double *errors[4];
    for (size_t i = 0; i < 4; i++) {
        errors[i] = ARENA_ARRAY(run->arena, double, run->used_count + 1);
    }
    for (size_t i = 0; i < run->calibration->class_count; i++) {
        struct fitted_class *class = &run->calibration->classes[i];
        size_t counts[2] = {0, 0};
        for (size_t j = 0; j < run->used_count && class->evidence != EVIDENCE_REQUESTS; j++) {
            const struct figure *a = figure_of(old[j], class->evidence);
            const struct figure *b = figure_of(new[j], class->evidence);
            if (a == NULL || b == NULL || strcmp(a->class, class->name) != 0) {
                continue;
            }
            size_t held = run->held[j], place = counts[held]++;
            errors[2 * held][place] = figure_error(a);
            errors[2 * held + 1][place] = figure_error(b);
        }
        class->before = errors_summarise(errors[0], counts[0]);
        class->after = errors_summarise(errors[1], counts[0]);
        class->held_before = errors_summarise(errors[2], counts[1]);
        class->held_after = errors_summarise(errors[3], counts[1]);
        class->used = counts[0];
        class->held = counts[1];
    }
}

static void summarise_cases(struct run *run)
{
    static const struct {
        enum client_time time;
        enum client_statistic statistic;
        const char *name;
    } figures[] = {{CLIENT_TTFT, CLIENT_P50, "requests, TTFT p50"},
                   {CLIENT_TTFT, CLIENT_P99, "requests, TTFT p99"},
                   {CLIENT_TPOT, CLIENT_P50, "requests, TPOT p50"},
                   {CLIENT_E2E, CLIENT_P50, "requests, E2E p50"}};
    struct client_figures *after =
        ARENA_ARRAY(run->arena, struct client_figures, run->cases.count + 1);
    double *errors[4];
    for (size_t i = 0; i < 4; i++) {
        errors[i] = ARENA_ARRAY(run->arena, double, run->cases.count + 1);
    }
    for (size_t i = 0; i < run->cases.count; i++) {
        after[i] =
            replay_with(run, run->arena, run->cases.cases[i].one, &run->calibration->software);
    }
    for (size_t i = 0; i < sizeof figures / sizeof *figures && run->cases.count > 0; i++) {
        struct fitted_class *class = &run->calibration->classes[run->calibration->class_count++];
        size_t counts[2] = {0, 0};
        *class = (struct fitted_class){.name = figures[i].name, .evidence = EVIDENCE_REQUESTS};
        for (size_t j = 0; j < run->cases.count; j++) {
            const struct compared_case *compared = &run->cases.cases[j];
            enum client_time time = figures[i].time;
            enum client_statistic statistic = figures[i].statistic;
            double measured = compared->one->figures.seconds[time][statistic];
            double before = compared->replay.figures.seconds[time][statistic];
            if (measured > 0.0 && before > 0.0) {
                size_t held = run->case_held[j], place = counts[held]++;
                errors[2 * held][place] = client_error(measured, before);
                errors[2 * held + 1][place] =
                    client_error(measured, after[j].seconds[time][statistic]);
            }
        }
        class->used = counts[0];
        class->held = counts[1];
        class->before = errors_summarise(errors[0], counts[0]);
        class->after = errors_summarise(errors[1], counts[0]);
        class->held_before = errors_summarise(errors[2], counts[1]);
        class->held_after = errors_summarise(errors[3], counts[1]);
    }
}

/* --- the whole --- */

static bool read_rows(struct run *run)
{
    const struct software_calibration_request *request = run->request;
    const struct scenario *scenario = request->scenario;
    const struct comparison_request tables = {.files = request->tables,
                                              .file_count = request->table_count,
                                              .gpu_values = &scenario->gpu,
                                              .cluster_values = &scenario->cluster,
                                              .software_values = &scenario->software};
    if (!comparison_run(run->arena, &tables, &run->rows, run->diagnostics)) {
        return false;
    }
    for (size_t i = 0; i < run->rows.table_count; i++) {
        if (run->rows.tables[i].kind != &kind_engine_steps) {
            DIAGNOSE_ERROR(run->diagnostics, ((struct mark){.file = run->rows.tables[i].file}),
                           "rows of kind %s show no constant of a host; steps of an engine do, and "
                           "requests of its clients. A GPU file is fitted without --scenario",
                           run->rows.tables[i].kind->name);
            return false;
        }
    }
    size_t room = run->rows.row_count + 1;
    run->used = ARENA_ARRAY(run->arena, const struct compared_row *, room);
    run->held = ARENA_ARRAY(run->arena, bool, room);
    return true;
}

static void choose_classes(struct run *run)
{
    enum { FIGURES_OF_CASES = 4 };
    const struct comparison *rows = &run->rows;
    struct software_calibration *calibration = run->calibration;
    calibration->classes =
        ARENA_ARRAY(run->arena, struct fitted_class, rows->class_count + FIGURES_OF_CASES);
    for (size_t i = 0; i < rows->class_count; i++) {
        struct fitted_class *class = &calibration->classes[calibration->class_count++];
        bool scheduler = strncmp(rows->classes[i].name, "scheduler", strlen("scheduler")) == 0;
        *class = (struct fitted_class){.name = rows->classes[i].name,
                                       .evidence = scheduler ? EVIDENCE_SCHEDULER : EVIDENCE_STEPS};
        if (!scheduler) { /* its rows are the steps' */
            choose_rows(run, class->name, class);
        }
    }
}

static void choose_cases(struct run *run)
{
    run->case_held = ARENA_ARRAY(run->arena, bool, run->cases.count + 1);
    for (size_t i = 0; i < run->cases.count && run->cases.count >= HELD_EVERY_CASE; i++) {
        run->case_held[i] = i % HELD_EVERY_CASE == HELD_EVERY_CASE - 1;
    }
}

static const char *names_of_files(struct arena *arena,
                                  const struct software_calibration_request *request)
{
    struct text names = {.arena = arena};
    text_add(&names, "");
    for (size_t i = 0; i < request->table_count + request->client_count; i++) {
        const char *path = i < request->table_count ? request->tables[i]
                                                    : request->clients[i - request->table_count];
        text_print(&names, "%s%s", i == 0 ? "" : ", ", file_name(path));
    }
    return names.bytes;
}

bool software_calibration_run(struct arena *arena,
                              const struct software_calibration_request *request,
                              struct software_calibration *calibration,
                              struct diagnostics *diagnostics)
{
    *calibration = (struct software_calibration){.base = request->base,
                                                 .files = names_of_files(arena, request),
                                                 .software = request->scenario->software};
    struct run run = {
        .arena = arena, .request = request, .calibration = calibration, .diagnostics = diagnostics};
    if (!read_rows(&run) ||
        (request->client_count > 0 &&
         !client_comparison_run(arena, request->scenario, request->clients, request->client_count,
                                &run.cases, diagnostics))) {
        return false;
    }
    for (const struct software_constant *constant = software_constants; constant->key != NULL;
         constant++) {
        if (software_constant_at(&calibration->software, constant->key) != NULL) {
            calibration->constants[calibration->constant_count++] =
                (struct fitted_constant){.constant = constant};
        }
    }
    choose_classes(&run);
    choose_cases(&run);
    for (int evidence = 0; evidence < EVIDENCE_COUNT; evidence++) {
        fit_evidence(&run, (enum evidence)evidence);
    }
    summarise_rows(&run, &request->scenario->software, &calibration->software);
    summarise_cases(&run);
    return true;
}
