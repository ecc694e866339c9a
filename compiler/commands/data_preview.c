/* `cnnc data preview`: a contact sheet of training samples, before and after the stages and the augmentation.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/diag.h"
#include "compiler/commands/chart.h"
#include "compiler/commands/data.h"
#include "compiler/commands/data_cell.h"
#include "compiler/commands/layers.h"
#include "runtime/data/files.h"
#include "runtime/data/look.h"
#include "runtime/rng.h"

enum { COUNT_DEFAULT = 9, STORED = 0, SEEN = 1, EPOCHS = SHEET_COLUMNS - 2 };

/* A sample that was taken, and what order the sheet has. */
typedef struct {
    SheetStrip strip;
    double label;
    int64_t taken; /* before it */
} Shown;

typedef struct {
    const Model *model;
    const Options *options;
    CnnData *data;
    Arena *arena;
    uint64_t seed;
    int64_t wanted_class; /* -1: all */
    int64_t wanted, unreadable;
    bool ranged; /* black and white are known of all that is drawn */
    Picture stored, seen;
    DataScratch *scratch;
    Shown *shown;
    int64_t count;
} Preview;

/* ---- One sample ---- */

static SheetCell seen_cell(Preview *preview)
{
    const float *black, *white;
    bool ranged = cnn_data_seen_range(preview->data, &black, &white);
    preview->ranged = preview->ranged && ranged;
    return data_cell(preview->arena, &preview->seen, ranged ? black : NULL, white,
                     cnn_data_is_sound(preview->data));
}

static CnnStatus make_cells(Preview *preview, PartSample sample, SheetCell *cells, int count, CnnError *error)
{
    const float *black, *white;
    MixedLabel label; /* the largest kind; not used */
    bool ranged = cnn_data_stored_range(preview->data, &black, &white);
    preview->ranged = preview->ranged && ranged;
    cells[STORED] = data_cell(preview->arena, &preview->stored, ranged ? black : NULL, white, false);
    for (int i = SEEN; i < count; i++) {
        int64_t epoch = i == SEEN ? EPOCH_NONE : i - SEEN - 1;
        TRY(cnn_data_sample(preview->data, sample.part, sample.index, epoch, &preview->scratch,
                            preview->seen.data, &label, error));
        cells[i] = seen_cell(preview);
    }
    return CNN_OK;
}

static int cell_count(const Preview *preview)
{
    return cnn_data_is_augmented(preview->data) ? 2 + EPOCHS : 2;
}

/* Takes the sample, unless it cannot be read. */
static CnnStatus take(Preview *preview, PartSample sample, bool *taken, CnnError *error)
{
    bool unreadable;
    char name[NAME_BYTES];
    CnnError reason = {0};
    CnnStatus status = cnn_data_stored(preview->data, sample, &preview->stored, &unreadable, &reason);
    *taken = status == CNN_OK;
    preview->unreadable += unreadable;
    if (status != CNN_OK)
        return unreadable ? CNN_OK : cnn_fail(error, status, "%s", reason.text);
    int count = cell_count(preview);
    SheetCell *cells = NEW_ARRAY(preview->arena, SheetCell, count);
    TRY(make_cells(preview, sample, cells, count, error));
    double label = cnn_data_label(preview->data, sample);
    cnn_data_name(preview->data, sample.part, sample.index, name, sizeof name);
    preview->shown[preview->count] = (Shown){
        .label = label,
        .taken = preview->count,
        .strip = {.name = cnn_data_classes(preview->data) ? cnn_data_class_name(preview->data, (int64_t)label)
                                                          : arena_printf(preview->arena, "%g", label),
                  .note = arena_printf(preview->arena, "%s", name),
                  .cells = cells}};
    preview->count++;
    return CNN_OK;
}

/* ---- Which samples ---- */

/* In an order that the seed decides, each class as often as the others: a sample is passed over in a round
 * when its class has had its turn. */
static CnnStatus take_all(Preview *preview, CnnError *error)
{
    int64_t classes = cnn_data_classes(preview->data), all = cnn_data_count(preview->data, PART_TRAIN);
    int64_t *turns = NEW_ARRAY(preview->arena, int64_t, classes + 1);
    bool *tried = NEW_ARRAY(preview->arena, bool, all + 1);
    bool any = true;
    for (int64_t round = 0; any && preview->count < preview->wanted; round++) {
        any = false;
        for (int64_t i = 0; i < all && preview->count < preview->wanted; i++) {
            int64_t index =
                (int64_t)cnn_permute((uint64_t)i, (uint64_t)all, preview->seed, PURPOSE_SHUFFLE, 0);
            PartSample sample = {PART_TRAIN, index};
            int64_t class_index = classes ? (int64_t)cnn_data_label(preview->data, sample) : 0;
            bool taken = false;
            if (tried[index] || (preview->wanted_class < 0 && classes && turns[class_index] > round) ||
                (preview->wanted_class >= 0 && class_index != preview->wanted_class))
                continue;
            tried[index] = true;
            TRY(take(preview, sample, &taken, error));
            turns[class_index] += taken;
            any = any || taken;
        }
    }
    return preview->count > 0 ? CNN_OK
                              : cnn_fail(error, CNN_BAD_INPUT,
                                         "none of the samples can be read: "
                                         "`cnnc data check` tells the reasons");
}

static int shown_compare(const void *a, const void *b)
{
    const Shown *left = a, *right = b;
    if (left->label != right->label)
        return left->label < right->label ? -1 : 1;
    return (left->taken > right->taken) - (left->taken < right->taken);
}

static CnnStatus find_class(Preview *preview)
{
    const char *wanted = preview->options->class_name;
    int64_t classes = cnn_data_classes(preview->data);
    preview->wanted_class = -1;
    if (!wanted)
        return CNN_OK;
    if (classes == 0)
        return command_fail(CNN_BAD_USAGE, "--class: the labels of %s are real numbers, not classes",
                            preview->model->path);
    const char **names = NEW_ARRAY(preview->arena, const char *, classes + 1);
    for (int64_t c = 0; c < classes; c++) {
        names[c] = cnn_data_class_name(preview->data, c);
        if (strcmp(names[c], wanted) == 0)
            preview->wanted_class = c;
    }
    const char *similar = nearest_name(wanted, names);
    if (preview->wanted_class >= 0 &&
        cnn_data_class_count(preview->data, PART_TRAIN, preview->wanted_class) == 0)
        return command_fail(CNN_BAD_INPUT, "--class: the training part has no samples of '%s'", wanted);
    if (preview->wanted_class >= 0)
        return CNN_OK;
    if (similar)
        return command_fail(CNN_BAD_USAGE, "--class: there is no class '%s'; did you mean '%s'?", wanted,
                            similar);
    return command_fail(CNN_BAD_USAGE, "--class: there is no class '%s'; the first is '%s'", wanted,
                        names[0]);
}

/* ---- The sheet ---- */

static const char *subtitle(const Preview *preview)
{
    Arena *arena = preview->arena;
    Dims shape = cnn_data_shape(preview->data);
    return arena_printf(arena,
                        "%" PRId64 " of %s training samples, seed %" PRIu64 "; the network sees %" PRId64
                        "x%" PRId64 "x%" PRId64 "%s",
                        preview->count, count_text(arena, cnn_data_count(preview->data, PART_TRAIN)),
                        preview->seed, shape.value[0], shape.value[1], shape.value[2],
                        preview->ranged ? "" : "; some are drawn from their least to their greatest value");
}

static CnnStatus write_sheet(const Preview *preview, CnnError *error)
{
    static const char *const headings[2 + EPOCHS] = {"as stored",         "as evaluated",
                                                     "training, epoch 1", "training, epoch 2",
                                                     "training, epoch 3", "training, epoch 4"};
    static const char *const plain_headings[] = {"as stored", "as the network sees it"};
    bool augmented = cnn_data_is_augmented(preview->data);
    SheetStrip *strips = NEW_ARRAY(preview->arena, SheetStrip, preview->count);
    qsort(preview->shown, (size_t)preview->count, sizeof *preview->shown, shown_compare);
    for (int64_t i = 0; i < preview->count; i++)
        strips[i] = preview->shown[i].strip;
    Sheet sheet = {.title = preview->model->path,
                   .subtitle = subtitle(preview),
                   .cells = cell_count(preview),
                   .headings = augmented ? headings : plain_headings,
                   .strips = strips,
                   .count = (int)preview->count};
    return sheet_write(&sheet, preview->options->output, error);
}

static CnnStatus make_sheet(Preview *preview, CnnError *error)
{
    Dims shape = cnn_data_shape(preview->data);
    preview->shown = NEW_ARRAY(preview->arena, Shown, preview->wanted);
    cnn_data_set_seed(preview->data, preview->seed);
    TRY(cnn_data_prepare(preview->data, preview->model->session->threads, error));
    TRY(picture_reserve(&preview->seen, shape.value[0], shape.value[1], shape.value[2], DTYPE_F32, error));
    TRY(take_all(preview, error));
    return write_sheet(preview, error);
}

static CnnStatus preview_model(Preview *preview)
{
    const Options *options = preview->options;
    CnnError error = {0};
    TRY(chart_check("-o", options->output, &preview->model->checked->recipe));
    TRY(data_of(preview->model, &preview->data));
    if (cnn_data_has_file(preview->data, options->output))
        return command_fail(CNN_BAD_USAGE, "-o: '%s' is a sample of the data; it would be overwritten",
                            options->output);
    TRY(find_class(preview));
    preview->seed = cnn_training_seed(&options->training, &preview->model->checked->recipe);
    CnnStatus status = make_sheet(preview, &error);
    if (status != CNN_OK)
        return command_fail(status, "%s", error.text);
    printf("%s: %" PRId64 " sample%s\n", options->output, preview->count, preview->count == 1 ? "" : "s");
    if (preview->unreadable > 0)
        printf("%" PRId64 " that cannot be read %s left out: `cnnc data check` names them\n",
               preview->unreadable, preview->unreadable == 1 ? "is" : "are");
    return CNN_OK;
}

CnnStatus data_preview(const Options *options)
{
    Model model;
    if (!options->output)
        return command_fail(CNN_BAD_USAGE, "data preview: -o must say which file to write: -o sheet.png");
    TRY(model_open(options, &model));
    Preview preview = {.model = &model,
                       .options = options,
                       .arena = model.session->arena,
                       .wanted = options->count ? options->count : COUNT_DEFAULT,
                       .ranged = true};
    CnnStatus status = preview_model(&preview);
    picture_free(&preview.stored);
    picture_free(&preview.seen);
    cnn_data_scratch_free(preview.scratch);
    model_close(&model);
    return status;
}
