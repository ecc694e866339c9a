#include "runtime/data/examine.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "runtime/data/pipeline.h"
#include "runtime/pool.h"

const char *const finding_names[FINDING_KINDS] = {"unreadable", "size", "duplicate", "leak"};

enum { FAR_TIMES = 4 }; /* times as long as the usual side, or as short */

/* What was seen of one sample. */
typedef struct {
    uint64_t hash;
    int64_t height, width; /* 0: it cannot be read */
    char *reason;          /* then */
} Seen;

typedef struct {
    const CnnData *data;
    const ExamineOptions *options;
    int64_t all; /* the samples of all parts, numbered one part after another */
    Seen *seen;
    _Atomic int64_t next, done;
    atomic_bool failed;
    CnnError error; /* of the first that failed */
} Examining;

static CnnStatus no_memory(CnnError *error)
{
    return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to examine the data");
}

static PartSample sample_of(const CnnData *data, int64_t number)
{
    int part = 0;
    while (number >= data->split.count[part])
        number -= data->split.count[part++];
    return (PartSample){(Part)part, number};
}

static int64_t source_index(const CnnData *data, int64_t number)
{
    PartSample sample = sample_of(data, number);
    return data->split.index[sample.part][sample.index];
}

/* Two sums of different kinds are as good as one of 64 bits, where nobody forges pictures. */
static uint64_t content_hash(const Picture *picture)
{
    size_t bytes =
        (size_t)(picture->height * picture->width * picture->channels) * dtype_bytes(picture->dtype);
    return (uint64_t)crc32_z(crc32_z(0, NULL, 0), picture->data, bytes) << 32 |
           adler32_z(adler32_z(0, NULL, 0), picture->data, bytes);
}

/* An error begins with the sample's name where the sample is to blame. */
static char *reason_without_name(const char *text, const char *name)
{
    size_t length = strlen(name);
    return strdup(strncmp(text, name, length) == 0 && strncmp(text + length, ": ", 2) == 0 ? text + length + 2
                                                                                           : text);
}

/* Fails only where the machine does. */
static CnnStatus examine_one(const Examining *examining, int64_t number, Picture *picture, CnnError *failure)
{
    Source *source = examining->data->source;
    Seen *seen = &examining->seen[number];
    char name[NAME_BYTES];
    CnnError error = {0};
    int64_t index = source_index(examining->data, number);
    CnnStatus status = source->read(source, index, 0, 0, picture, &error);
    if (status == CNN_OK) {
        *seen = (Seen){content_hash(picture), picture->height, picture->width, NULL};
        return CNN_OK;
    }
    if (status != CNN_BAD_INPUT)
        return cnn_fail(failure, status, "%s", error.text);
    source->name(source, index, name, sizeof name);
    seen->reason = reason_without_name(error.text, name);
    return seen->reason ? CNN_OK : no_memory(failure);
}

static void examine_work(void *context, int worker)
{
    Examining *examining = context;
    const ExamineOptions *options = examining->options;
    Picture picture = {0};
    int64_t number;
    while (!atomic_load(&examining->failed) &&
           (number = atomic_fetch_add(&examining->next, 1)) < examining->all) {
        CnnError error = {0};
        if (examine_one(examining, number, &picture, &error) != CNN_OK &&
            !atomic_exchange(&examining->failed, true))
            examining->error = error;
        int64_t done = atomic_fetch_add(&examining->done, 1) + 1;
        if (worker == 0 && options->progress)
            options->progress(options->context, done, examining->all);
    }
    picture_free(&picture);
}

/* ---- What is to be said of what was seen ---- */

/* Takes `reason`. */
static CnnStatus add_finding(Examination *out, const CnnData *data, FindingKind kind, int64_t number,
                             int64_t other, char *reason, CnnError *error)
{
    if (reason && out->count == out->room) {
        int64_t room = 2 * out->room + 64;
        Finding *larger = realloc(out->findings, (size_t)room * sizeof *larger);
        if (larger) {
            out->findings = larger;
            out->room = room;
        }
    }
    if (!reason || out->count == out->room) {
        free(reason);
        return no_memory(error);
    }
    out->findings[out->count++] = (Finding){kind, sample_of(data, number), sample_of(data, other), reason};
    out->counts[kind]++;
    return CNN_OK;
}

static CnnStatus find_unreadable(const Examining *examining, Examination *out, CnnError *error)
{
    for (int64_t i = 0; i < examining->all; i++) {
        char *reason = examining->seen[i].reason;
        examining->seen[i].reason = NULL;
        if (reason)
            TRY(add_finding(out, examining->data, FINDING_UNREADABLE, i, i, reason, error));
    }
    out->unusable += out->counts[FINDING_UNREADABLE];
    return CNN_OK;
}

static int number_compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* The medians of heights and widths; `scratch` has room for all. */
static void find_usual_size(const Examining *examining, int64_t *scratch, Examination *out)
{
    for (int side = 0; side < 2; side++) {
        size_t count = 0;
        for (int64_t i = 0; i < examining->all; i++)
            if (examining->seen[i].height > 0)
                scratch[count++] = side ? examining->seen[i].width : examining->seen[i].height;
        qsort(scratch, count, sizeof *scratch, number_compare);
        *(side ? &out->width : &out->height) = count ? scratch[count / 2] : 0;
    }
}

static bool is_far(int64_t side, int64_t usual)
{
    return side > FAR_TIMES * usual || usual > FAR_TIMES * side;
}

static CnnStatus find_sizes(const Examining *examining, Examination *out, CnnError *error)
{
    bool all_equal = examining->data->height > 0; /* the data need it: nothing resizes */
    for (int64_t i = 0; i < examining->all; i++) {
        const Seen *seen = &examining->seen[i];
        bool wrong = all_equal ? seen->height != out->height || seen->width != out->width
                               : is_far(seen->height, out->height) || is_far(seen->width, out->width);
        char *reason;
        if (seen->height == 0 || !wrong)
            continue;
        if (asprintf(&reason,
                     "%" PRId64 " x %" PRId64 " (height x width), usual are %" PRId64 " x %" PRId64 "%s",
                     seen->height, seen->width, out->height, out->width,
                     all_equal ? "; 'resize' brings them to one size" : "") < 0)
            return no_memory(error);
        TRY(add_finding(out, examining->data, FINDING_SIZE, i, i, reason, error));
        out->unusable += all_equal;
    }
    return CNN_OK;
}

static int content_compare(const Seen *a, const Seen *b)
{
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    if (a->height != b->height)
        return a->height < b->height ? -1 : 1;
    return (a->width > b->width) - (a->width < b->width);
}

static int content_order(const void *a, const void *b, void *seen)
{
    int order =
        content_compare((const Seen *)seen + *(const int64_t *)a, (const Seen *)seen + *(const int64_t *)b);
    return order ? order : number_compare(a, b);
}

/* `number` has the content of `first`. */
static CnnStatus add_same(const Examining *examining, int64_t first, int64_t number, Examination *out,
                          CnnError *error)
{
    const CnnData *data = examining->data;
    Source *source = data->source;
    bool leak = sample_of(data, first).part != sample_of(data, number).part;
    int64_t at = source_index(data, number), first_at = source_index(data, first);
    char name[NAME_BYTES], *reason;
    source->name(source, first_at, name, sizeof name);
    if (asprintf(&reason, "the same content as %s%s%s%s", name, leak ? " of the " : "",
                 leak ? data_part_names[sample_of(data, first).part] : "",
                 source->label(source, at) != source->label(source, first_at)
                     ? leak ? " part, with another label" : ", with another label"
                 : leak ? " part"
                        : "") < 0)
        return no_memory(error);
    return add_finding(out, data, leak ? FINDING_LEAK : FINDING_DUPLICATE, number, first, reason, error);
}

/* Of each content the first sample is the one that counts, a training sample if there is one. */
static CnnStatus find_same(const Examining *examining, int64_t *order, Examination *out, CnnError *error)
{
    int64_t count = 0, first = 0;
    for (int64_t i = 0; i < examining->all; i++)
        if (examining->seen[i].height > 0)
            order[count++] = i;
    qsort_r(order, (size_t)count, sizeof *order, content_order, examining->seen);
    for (int64_t i = 1; i < count; i++) {
        if (content_compare(&examining->seen[order[first]], &examining->seen[order[i]]) == 0)
            TRY(add_same(examining, order[first], order[i], out, error));
        else
            first = i;
    }
    return CNN_OK;
}

static int finding_compare(const void *a, const void *b)
{
    const Finding *left = a, *right = b;
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    if (left->sample.part != right->sample.part)
        return left->sample.part < right->sample.part ? -1 : 1;
    return number_compare(&left->sample.index, &right->sample.index);
}

static CnnStatus find_all(const Examining *examining, Examination *out, CnnError *error)
{
    int64_t *numbers = calloc((size_t)examining->all + 1, sizeof *numbers);
    if (!numbers)
        return no_memory(error);
    CnnStatus status = find_unreadable(examining, out, error);
    find_usual_size(examining, numbers, out);
    if (status == CNN_OK)
        status = find_sizes(examining, out, error);
    if (status == CNN_OK)
        status = find_same(examining, numbers, out, error);
    free(numbers);
    if (out->count > 0)
        qsort(out->findings, (size_t)out->count, sizeof *out->findings, finding_compare);
    return status;
}

CnnStatus cnn_data_examine(CnnData *data, const ExamineOptions *options, Examination *out, CnnError *error)
{
    CnnPool *pool;
    Examining examining = {.data = data, .options = options};
    *out = (Examination){0};
    for (int part = 0; part < PART_COUNT; part++)
        examining.all += data->split.count[part];
    out->samples = examining.all;
    examining.seen = calloc((size_t)examining.all + 1, sizeof *examining.seen);
    if (!examining.seen)
        return no_memory(error);
    CnnStatus status = cnn_pool_open(options->threads, &pool, error);
    if (status == CNN_OK) {
        cnn_pool_run(pool, examine_work, &examining);
        cnn_pool_close(pool);
        status = atomic_load(&examining.failed)
                     ? cnn_fail(error, examining.error.status, "%s", examining.error.text)
                     : find_all(&examining, out, error);
    }
    for (int64_t i = 0; i < examining.all; i++)
        free(examining.seen[i].reason);
    free(examining.seen);
    return status;
}

void cnn_examination_free(Examination *examination)
{
    for (int64_t i = 0; i < examination->count; i++)
        free(examination->findings[i].reason);
    free(examination->findings);
    *examination = (Examination){0};
}
