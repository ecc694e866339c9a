#include "runtime/start.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "runtime/data/files.h"
#include "runtime/state_file.h"
#include "runtime/train_args.h"

/* Says how a layer of another shape is learnt anew. */
static void add_advice(const char *tensor, CnnError *error)
{
    const char *part = strrchr(tensor, '.');
    size_t length = strlen(error->text), layer = part ? (size_t)(part - tensor) : strlen(tensor);
    snprintf(error->text + length, sizeof error->text - length,
             "; 'start' with new=\"%.*s\" learns this layer anew", (int)layer, tensor);
}

static void report_match(Report *report, const char *path, const StateMatch *match)
{
    report_line(report, "start from %s: %d of %d tensors%s%s%s", path, match->found, match->wanted,
                *match->missing ? "; initialised are " : "", match->missing,
                match->unused ? "; it has others, which are not used" : "");
}

static CnnStatus open_file(const CnnImage *image, CnnData *data, const char *path, const char *fresh,
                           Report *report, WeightFile **out, CnnError *error)
{
    StateMatch match;
    TRY(cnn_weights_open(path, out, error));
    if (fresh)
        cnn_weights_leave_out(*out, fresh);
    CnnStatus status = cnn_state_match(image, data, *out, path, &match, error);
    if (status != CNN_OK) {
        if (match.other)
            add_advice(match.other, error);
        return status;
    }
    report_match(report, path, &match);
    CnnError other = {0};
    if (cnn_state_match_classes(data, *out, path, &other) != CNN_OK)
        report_line(report, "note: %s; they are learnt anew", other.text);
    if (match.measured)
        cnn_state_load_measured(data, *out);
    return CNN_OK;
}

CnnStatus cnn_start_open(const CnnImage *image, CnnData *data, const char *flag, Report *report,
                         WeightFile **out, CnnError *error)
{
    const CnnStatement *statement = recipe_find(image->recipe.train, &start_schema);
    const StartArgs *args = statement ? statement->args : NULL;
    char path[PATH_MAX];
    *out = NULL;
    if (flag)
        return open_file(image, data, flag, args ? args->new : NULL, report, out, error);
    if (!args)
        return CNN_OK;
    CnnError cause = {0};
    if (path_resolve_beside(image->recipe.model_path, args->file, path, &cause) != CNN_OK)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: start: %s", statement->where, cause.text);
    return open_file(image, data, path, args->new, report, out, error);
}
