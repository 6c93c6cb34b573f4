/* SPDX-License-Identifier: MIT */
#include "sim/sweep/journal.h"

#include "models/numeric/checksum.h"
#include "sim/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum record_kind { RECORD_SWEEP = 1, RECORD_POINT = 2 };
enum { MAGIC_BYTES = 8, FRAME_BYTES = 24, LARGEST_RECORD = 64 * 1024 * 1024 };
static const char magic[MAGIC_BYTES] = {'\x89', 'c', 'p', 's', 'i', 'm', '\r', '\n'};
static const char suffix[] = ".journal";

struct journal {
    int descriptor;
    const char *path;
    struct arena *arena;
    struct diagnostics *diagnostics;
    bool failed;
};

const char *journal_path(struct arena *arena, const char *folder, uint32_t shard, uint32_t shards)
{
    return arena_printf(arena, "%s/points-%" PRIu32 "-of-%" PRIu32 "%s", folder, shard, shards,
                        suffix);
}

static void put(char *bytes, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        bytes[i] = (char)(unsigned char)(value >> (8 * i) & 0xff);
    }
}

static uint64_t get(const char *bytes, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++) {
        value |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
    }
    return value;
}

/* magic, kind (4), size (4), checksum of those two and the record (8), record. */
static uint64_t frame_checksum(const char *frame, const char *record, size_t size)
{
    return checksum_bytes(checksum_bytes(CHECKSUM_START, frame + MAGIC_BYTES, 8), record, size);
}

static bool fail(struct journal *journal, const char *doing)
{
    if (!journal->failed) {
        int reason = errno;
        DIAGNOSE_SYSTEM(journal->diagnostics, ((struct mark){.file = journal->path}), reason,
                        "cannot be %s: %s; what it holds stays good, and the same command goes on "
                        "from there",
                        doing, strerror(reason));
    }
    journal->failed = true;
    return false;
}

static bool append(struct journal *journal, enum record_kind kind, const char *record, size_t size)
{
    struct arena *scratch = arena_create();
    size_t total = FRAME_BYTES + size, written = 0;
    char *frame = arena_array(scratch, total, 1);
    memcpy(frame, magic, MAGIC_BYTES);
    put(frame + 8, kind, 4);
    put(frame + 12, size, 4);
    memcpy(frame + FRAME_BYTES, record, size);
    put(frame + 16, frame_checksum(frame, record, size), 8);
    while (written < total && !journal->failed) {
        ssize_t count = write(journal->descriptor, frame + written, total - written);
        if (count < 0 && errno != EINTR) {
            fail(journal, "written");
        }
        written += count > 0 ? (size_t)count : 0;
    }
    arena_destroy(scratch);
    return !journal->failed;
}

bool journal_append(struct journal *journal, const char *bytes, size_t size)
{
    return !journal->failed && append(journal, RECORD_POINT, bytes, size);
}

bool journal_sync(struct journal *journal)
{
    /* EINVAL: a file system that has nothing to sync. */
    return fsync(journal->descriptor) == 0 || errno == EINVAL || fail(journal, "written");
}

bool journal_close(struct journal *journal)
{
    bool synced = journal_sync(journal);
    return (close(journal->descriptor) == 0 || fail(journal, "closed")) && synced;
}

/* --- reading --- */

/* Calls `visit` with each whole record of a file; torn bytes are passed over. */
typedef void visit_record(void *state, enum record_kind kind, const char *record, size_t size);

static void visit_records(const char *bytes, size_t size, visit_record *visit, void *state)
{
    for (size_t at = 0; size - at >= FRAME_BYTES && at < size;) {
        const char *frame = bytes + at;
        size_t length = (size_t)get(frame + 12, 4);
        bool whole = memcmp(frame, magic, MAGIC_BYTES) == 0 && length <= LARGEST_RECORD &&
                     length <= size - at - FRAME_BYTES &&
                     get(frame + 16, 8) == frame_checksum(frame, frame + FRAME_BYTES, length);
        if (whole) {
            visit(state, (enum record_kind)get(frame + 8, 4), frame + FRAME_BYTES, length);
            at += FRAME_BYTES + length;
            continue;
        }
        const char *next = memchr(frame + 1, magic[0], size - at - 1);
        at = next == NULL ? size : (size_t)(next - bytes);
    }
}

/* The bytes of a regular file; NULL when it cannot be read. */
static char *read_file(const char *path, size_t *size)
{
    FILE *stream = file_is_regular(path) ? fopen(path, "rb") : NULL;
    if (stream == NULL) {
        return NULL;
    }
    struct stat status;
    *size = fstat(fileno(stream), &status) == 0 ? (size_t)status.st_size : 0;
    char *bytes = malloc(*size + 1);
    if (bytes != NULL) {
        *size = fread(bytes, 1, *size, stream);
    }
    fclose(stream);
    return bytes;
}

struct reading {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct journal_contents *contents;
    const char *path;
    const struct point_record *like;
    bool has_sweep; /* of this file */
    bool failed;
};

static unsigned rank_of(enum point_status status)
{
    return status == POINT_DONE ? 1 : 0;
}

static uint64_t *tally(struct journal_contents *contents, enum point_status status)
{
    return status == POINT_DONE       ? &contents->done
           : status == POINT_REJECTED ? &contents->rejected
                                      : &contents->failed;
}

void journal_contents_add(struct journal_contents *contents, struct point_record *record)
{
    struct point_record **slot = &contents->points[record->point];
    if (*slot != NULL && rank_of((*slot)->status) > rank_of(record->status)) {
        return;
    }
    if (*slot != NULL) {
        --*tally(contents, (*slot)->status);
    }
    *slot = record;
    ++*tally(contents, record->status);
}

static void take_sweep(struct reading *reading, const char *record, size_t size)
{
    struct journal_contents *contents = reading->contents;
    struct sweep_record sweep;
    if (!sweep_record_read(reading->arena, record, size, &sweep)) {
        return;
    }
    reading->has_sweep = true;
    if (contents->points == NULL) {
        contents->sweep = sweep;
        contents->sweep_path = reading->path;
        contents->points =
            ARENA_ARRAY(reading->arena, struct point_record *, sweep.point_count + 1);
    } else if (contents->sweep.identity != sweep.identity) {
        DIAGNOSE_ERROR(reading->diagnostics, ((struct mark){.file = reading->path}),
                       "is of another sweep than %s; put them in folders of their own",
                       contents->sweep_path);
        reading->failed = true;
    }
}

static void take_record(void *state, enum record_kind kind, const char *record, size_t size)
{
    struct reading *reading = state;
    if (reading->failed) {
        return;
    }
    if (kind == RECORD_SWEEP) {
        take_sweep(reading, record, size);
    } else if (kind == RECORD_POINT && reading->has_sweep) {
        struct point_record *point = ARENA_NEW(reading->arena, struct point_record);
        const struct sweep_record *sweep = &reading->contents->sweep;
        if (point_record_read(reading->arena, record, size, reading->like, point) &&
            point->point < sweep->point_count && point->value_count == sweep->parameter_count) {
            journal_contents_add(reading->contents, point);
            reading->like = point;
        }
    }
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The names of a folder's journals, in order. */
static const char **list_journals(struct arena *arena, const char *folder, size_t *count)
{
    size_t capacity = 16;
    const char **names = ARENA_ARRAY(arena, const char *, capacity);
    *count = 0;
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        size_t length = strlen(entry->d_name), tail = strlen(suffix);
        if (length <= tail || strcmp(entry->d_name + length - tail, suffix) != 0) {
            continue;
        }
        if (*count == capacity) {
            const char **larger = ARENA_ARRAY(arena, const char *, 2 * capacity);
            memcpy(larger, names, capacity * sizeof *names);
            names = larger;
            capacity *= 2;
        }
        names[(*count)++] = arena_strdup(arena, entry->d_name);
    }
    if (directory != NULL) {
        closedir(directory);
    }
    qsort(names, *count, sizeof *names, by_name);
    return names;
}

bool journal_read_all(struct arena *arena, const char *folder, struct journal_contents *contents,
                      struct diagnostics *diagnostics)
{
    *contents = (struct journal_contents){.points = NULL};
    struct reading reading = {.arena = arena, .diagnostics = diagnostics, .contents = contents};
    size_t count = 0, size = 0;
    const char **names = list_journals(arena, folder, &count);
    for (size_t i = 0; i < count && !reading.failed; i++) {
        reading.path = arena_printf(arena, "%s/%s", folder, names[i]);
        reading.has_sweep = false;
        char *bytes = read_file(reading.path, &size);
        if (bytes == NULL) {
            int reason = errno;
            const char *fault = file_fault(reading.path);
            DIAGNOSE_SYSTEM(diagnostics, ((struct mark){.file = reading.path}), reason,
                            "cannot be read: %s", fault != NULL ? fault : strerror(reason));
            return false;
        }
        visit_records(bytes, size, take_record, &reading);
        free(bytes);
    }
    return !reading.failed;
}

bool journal_read_same(struct arena *arena, const char *folder, const struct sweep_record *sweep,
                       const char *noun, struct journal_contents *contents,
                       struct diagnostics *diagnostics)
{
    if (!journal_read_all(arena, folder, contents, diagnostics)) {
        return false;
    }
    if (contents->points == NULL) {
        contents->points = ARENA_ARRAY(arena, struct point_record *, sweep->point_count + 1);
    } else if (contents->sweep.identity != sweep->identity) {
        bool same_program = strcmp(contents->sweep.version, sweep->version) == 0 &&
                            strcmp(contents->sweep.revision, sweep->revision) == 0;
        const char *whose =
            same_program
                ? arena_printf(arena, "another %s, or of this one before it was changed", noun)
                : arena_printf(arena, "a %s that another version of cpsim began", noun);
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = folder}),
                       "holds the points of %s (%s); name another folder with -o, or remove this "
                       "one",
                       whose, contents->sweep_path);
        return false;
    }
    contents->sweep = *sweep;
    return true;
}

static void note_sweep(void *state, enum record_kind kind, const char *record, size_t size)
{
    (void)record;
    (void)size;
    bool *has_sweep = state;
    *has_sweep = *has_sweep || kind == RECORD_SWEEP;
}

struct journal *journal_open(struct arena *arena, const char *path,
                             const struct sweep_record *sweep, struct diagnostics *diagnostics)
{
    struct journal *journal = ARENA_NEW(arena, struct journal);
    *journal = (struct journal){
        .path = path, .arena = arena, .diagnostics = diagnostics, .descriptor = -1};
    size_t size = 0;
    bool has_sweep = false;
    char *bytes = read_file(path, &size);
    if (bytes != NULL) {
        visit_records(bytes, size, note_sweep, &has_sweep);
        free(bytes);
    } else if (access(path, F_OK) == 0 && !file_is_regular(path)) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = path}),
                       "%s; a sweep keeps its results there, give it another folder",
                       file_fault(path));
        return NULL;
    }
    journal->descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (journal->descriptor < 0) {
        fail(journal, "opened");
        return NULL;
    }
    struct text record = {.arena = arena};
    sweep_record_write(&record, sweep);
    if (!has_sweep && !append(journal, RECORD_SWEEP, record.bytes, record.length)) {
        close(journal->descriptor);
        return NULL;
    }
    return journal;
}
