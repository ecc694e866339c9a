/* Two sources as one: the samples of the first are trained on (and tested, where it has a test part), those
 * of the second are the validation part. */
#include "runtime/data/held_out.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/files.h"

static const Field validation_fields[] = {FIELDS_END};
const Schema validation_schema = {
    .word = "validation",
    .doc = "The validation part from a source of its own, of the same classes, in place of a share of the "
           "samples.",
    .places = IN_DATA,
    .body = IN_SOURCE,
    .fields = validation_fields,
    .example = "validation { folder \"plants-of-next-year\" }",
};

typedef struct {
    Source source;
    Source *trained, *held;
    int64_t *class_of; /* of each class of `held`: that of `trained`; NULL: labels are numbers */
} HeldOut;

/* The source of a sample, and its number there. */
static Source *source_of(const HeldOut *both, int64_t index, int64_t *inner)
{
    int64_t first = both->trained->info.count, held = both->held->info.count;
    bool is_held = index >= first && index < first + held;
    *inner = index < first ? index : is_held ? index - first : index - held;
    return is_held ? both->held : both->trained;
}

static CnnStatus held_out_read(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                               Picture *out, CnnError *error)
{
    Source *of = source_of((const HeldOut *)source, index, &index);
    return of->read(of, index, want_height, want_width, out, error);
}

/* Of samples that are trained on. */
static CnnStatus held_out_random(Source *source, int64_t index, uint64_t key, Picture *out, CnnError *error)
{
    Source *trained = ((const HeldOut *)source)->trained;
    return trained->read_random(trained, index, key, out, error);
}

static double held_out_label(Source *source, int64_t index)
{
    const HeldOut *both = (const HeldOut *)source;
    Source *of = source_of(both, index, &index);
    double label = of->label(of, index);
    return of == both->held && both->class_of ? (double)both->class_of[(int64_t)label] : label;
}

static void held_out_name(Source *source, int64_t index, char *out, size_t bytes)
{
    Source *of = source_of((const HeldOut *)source, index, &index);
    of->name(of, index, out, bytes);
}

/* Only the first source's samples are divided. */
static CnnStatus held_out_group(Source *source, const char *by, int64_t *group, int64_t *groups,
                                CnnError *error)
{
    Source *trained = ((const HeldOut *)source)->trained;
    return trained->group(trained, by, group, groups, error);
}

static CnnStatus held_out_square(Source *source, int64_t side, int64_t *group, int64_t *groups,
                                 CnnError *error)
{
    Source *trained = ((const HeldOut *)source)->trained;
    return trained->square(trained, side, group, groups, error);
}

static CnnStatus held_out_part_squares(Source *source, int64_t side, unsigned char *part, CnnError *error)
{
    Source *trained = ((const HeldOut *)source)->trained;
    return trained->part_squares(trained, side, part, error);
}

static void held_out_stamp(Source *source, Stamp *stamp)
{
    const HeldOut *both = (const HeldOut *)source;
    both->held->stamp(both->held, stamp);
    both->trained->stamp(both->trained, stamp);
}

static void held_out_close(Source *source)
{
    HeldOut *both = (HeldOut *)source;
    both->trained->close(both->trained);
    both->held->close(both->held);
    free(both->class_of);
    free(both);
}

/* ---- Whether the two go together ---- */

static const char *class_text(const SourceInfo *info, int64_t class_index, char out[NAME_BYTES])
{
    if (info->class_names)
        return name_printable(info->class_names[class_index], out);
    snprintf(out, NAME_BYTES, "%" PRId64, class_index);
    return out;
}

/* By their names; a class of the training that has no sample here is no mistake. */
static CnnStatus match_classes(const SourceInfo *trained, const SourceInfo *held, int64_t **out,
                               CnnError *error)
{
    char wanted[NAME_BYTES], name[NAME_BYTES];
    int64_t *class_of = malloc((size_t)held->classes * sizeof *class_of);
    if (!class_of)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %" PRId64 " classes", held->classes);
    for (int64_t c = 0; c < held->classes; c++) {
        class_text(held, c, wanted);
        class_of[c] = 0;
        while (class_of[c] < trained->classes && strcmp(class_text(trained, class_of[c], name), wanted) != 0)
            class_of[c]++;
        if (class_of[c] == trained->classes) {
            free(class_of);
            return cnn_fail(error, CNN_BAD_INPUT,
                            "the class '%s' of the validation part is none of those that are trained on",
                            wanted);
        }
    }
    *out = class_of;
    return CNN_OK;
}

static CnnStatus check_pair(const SourceInfo *trained, const SourceInfo *held, CnnError *error)
{
    if (trained->validation_count > 0)
        return cnn_fail(error, CNN_BAD_INPUT, "the data have a validation part of their own beside this one");
    if (held->validation_count > 0 || held->test_count > 0)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "this source has parts of its own; one that is all validation part must have none");
    if ((trained->classes > 0) != (held->classes > 0))
        return cnn_fail(error, CNN_BAD_INPUT, "its labels are %s, those that are trained on %s",
                        held->classes ? "classes" : "real numbers",
                        trained->classes ? "classes" : "real numbers");
    if (trained->channels != held->channels)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "its samples have %" PRId64 " channels, those that are trained on %" PRId64,
                        held->channels, trained->channels);
    bool sounds = trained->rate > 0 || held->rate > 0;
    if (sounds && (trained->rate < held->rate || trained->rate > held->rate || trained->width != held->width))
        return cnn_fail(error, CNN_BAD_INPUT,
                        "its recordings are brought to another rate or length: 'rate' and "
                        "'seconds' must be the same");
    if (trained->ranged != held->ranged ||
        (held->ranged && (trained->low < held->low || trained->low > held->low ||
                          trained->high < held->high || trained->high > held->high)))
        return cnn_fail(error, CNN_BAD_INPUT, "its values are of another type: black and white would differ");
    return CNN_OK;
}

static void join_info(const SourceInfo *trained, const SourceInfo *held, SourceInfo *out)
{
    *out = *trained;
    out->validation_count = held->count;
    if (trained->height != held->height || trained->width != held->width)
        out->height = out->width = 0; /* they differ, or it is not known */
    out->container = trained->container || held->container;
    out->channels_first = trained->channels_first || held->channels_first;
    if (!out->unpacked) {
        out->unpacked = held->unpacked;
        out->unpacked_bytes = held->unpacked_bytes;
    }
    if (!out->index) {
        out->index = held->index;
        out->index_bytes = held->index_bytes;
    }
}

CnnStatus held_out_join(const CnnStatement *statement, const char *base, Source **source, CnnError *error)
{
    Source *trained = *source, *held = NULL;
    if (statement->body.count != 1)
        return cnn_fail(error, CNN_BAD_INPUT, "'validation' takes one source in { }, not %d",
                        statement->body.count);
    HeldOut *both = calloc(1, sizeof *both);
    if (!both)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a validation part");
    CnnStatus status = source_open(statement->body.items, base, &held, error);
    if (status == CNN_OK)
        status = check_pair(&trained->info, &held->info, error);
    if (status == CNN_OK && held->info.classes > 0)
        status = match_classes(&trained->info, &held->info, &both->class_of, error);
    if (status != CNN_OK) {
        if (held)
            held->close(held);
        free(both);
        return status;
    }
    both->trained = trained;
    both->held = held;
    both->source = (Source){.read = held_out_read,
                            .read_random = trained->read_random ? held_out_random : NULL,
                            .label = held_out_label,
                            .group = trained->group ? held_out_group : NULL,
                            .square = trained->square ? held_out_square : NULL,
                            .part_squares = trained->part_squares ? held_out_part_squares : NULL,
                            .name = held_out_name,
                            .stamp = trained->stamp && held->stamp ? held_out_stamp : NULL,
                            .close = held_out_close};
    join_info(&trained->info, &held->info, &both->source.info);
    *source = &both->source;
    return CNN_OK;
}
