#include "runtime/data/look.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/files.h"
#include "runtime/data/pipeline.h"
#include "runtime/file.h"

static int64_t source_count(const CnnData *data)
{
    const SourceInfo *info = &data->source->info;
    return info->count + info->validation_count + info->test_count;
}

static PartSample sample_of_source(const CnnData *data, int64_t index)
{
    for (int part = 0; part < PART_COUNT; part++)
        for (int64_t i = 0; i < data->split.count[part]; i++)
            if (data->split.index[part][i] == index)
                return (PartSample){(Part)part, i};
    return (PartSample){PART_TRAIN, 0}; /* no other index is asked for */
}

/* Whether `name` is `end`, or ends so behind a '/'. */
static bool name_ends(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);
    return tail <= length && strcmp(name + length - tail, end) == 0 &&
           (tail == length || name[length - tail - 1] == '/');
}

/* The samples of that name, the first two of them. A name that is there whole is meant, whatever ends so. */
static int find_named(const CnnData *data, const char *text, int64_t found[2])
{
    char name[NAME_BYTES];
    int count = 0;
    for (int64_t i = 0; i < source_count(data); i++) {
        data->source->name(data->source, i, name, sizeof name);
        if (strcmp(name, text) == 0) {
            found[0] = i;
            return 1;
        }
        if (count < 2 && name_ends(name, text))
            found[count++] = i;
    }
    return count;
}

CnnStatus cnn_data_find(const CnnData *data, const char *text, PartSample *out, CnnError *error)
{
    char shown[NAME_BYTES], names[2][NAME_BYTES];
    int64_t found[2], number;
    const char *name = strncmp(text, "./", 2) == 0 ? text + 2 : text;
    int count = find_named(data, name_printable(name, shown), found);
    if (count == 0 && *text && strspn(text, "0123456789") == strlen(text)) {
        number = strlen(text) > 18 ? INT64_MAX : strtoll(text, NULL, 10);
        if (number >= source_count(data))
            return cnn_fail(error, CNN_BAD_INPUT,
                            "there is no sample %s: the data have numbers 0 to %" PRId64, text,
                            source_count(data) - 1);
        found[0] = number;
        count = 1;
    }
    if (count == 1) {
        *out = sample_of_source(data, found[0]);
        return CNN_OK;
    }
    for (int i = 0; i < 2; i++)
        data->source->name(data->source, count ? found[i] : 0, names[i], NAME_BYTES);
    if (count == 0)
        return cnn_fail(error, CNN_BAD_INPUT, "no sample is called '%s'; the first is called '%s'", shown,
                        names[0]);
    return cnn_fail(error, CNN_BAD_INPUT, "several samples are called '%s', such as '%s' and '%s'", shown,
                    names[0], names[1]);
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool cnn_data_has_file(const CnnData *data, const char *path)
{
    char name[NAME_BYTES], shown[NAME_BYTES];
    const char *last = last_name(name_printable(path, shown));
    for (int64_t i = 0; i < source_count(data); i++) {
        data->source->name(data->source, i, name, sizeof name);
        if (strcmp(last_name(name), last) == 0 && cnn_file_same(name, path))
            return true;
    }
    return false;
}

CnnStatus cnn_data_stored(const CnnData *data, PartSample sample, Picture *out, bool *unreadable,
                          CnnError *error)
{
    Source *source = data->source;
    CnnStatus status = source->read(source, data->split.index[sample.part][sample.index], 0, 0, out, error);
    *unreadable = status == CNN_BAD_INPUT && !source->info.container;
    return status;
}

double cnn_data_label(const CnnData *data, PartSample sample)
{
    return data->source->label(data->source, data->split.index[sample.part][sample.index]);
}

bool cnn_data_is_augmented(const CnnData *data)
{
    for (int i = 0; i < data->stage_count; i++)
        if (data->stage_by[i]->schema->body & IN_AUGMENT)
            return true;
    return data->source->read_random != NULL;
}

bool cnn_data_is_sound(const CnnData *data)
{
    return data->source->info.rate > 0;
}

bool cnn_data_stored_range(const CnnData *data, const float **black, const float **white)
{
    *black = data->black;
    *white = data->white;
    return data->source->info.ranged;
}

bool cnn_data_seen_range(const CnnData *data, const float **black, const float **white)
{
    if (data->stage_count == 0)
        return cnn_data_stored_range(data, black, white);
    const Layout *last = &data->stages[data->stage_count - 1]->out;
    *black = last->black;
    *white = last->white;
    return last->ranged;
}

const char *cnn_data_stage(const CnnData *data, int number, const struct Pointwise **pointwise)
{
    for (int i = 0; i < data->stage_count; i++) {
        if (data->stage_by[i]->schema->body & IN_AUGMENT || number-- > 0)
            continue;
        *pointwise = data->stages[i]->pointwise;
        return data->stage_by[i]->schema->word;
    }
    return NULL;
}
