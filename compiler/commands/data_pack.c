/* `cnnc data pack`: the file of `cache disk`, built ahead. */
#include <inttypes.h>

#include "compiler/commands/data.h"
#include "compiler/commands/layers.h"
#include "runtime/clock.h"
#include "runtime/data/pack.h"
#include "runtime/report.h"

typedef struct {
    Report bar, report;
    double started;
} Packer;

static void show_progress(void *context, int64_t done, int64_t all)
{
    Packer *packer = context;
    report_bar(&packer->bar, "packing", done, all, cnn_clock() - packer->started);
}

static void print_packed(Packer *packer, Arena *arena, const CacheUse *use, const Packing *packing)
{
    report_line(&packer->report, "%s samples packed in %.1f s: %s", count_text(arena, packing->samples),
                cnn_clock() - packer->started, bytes_text(arena, (double)use->bytes));
    if (packing->unreadable > 0)
        report_line(&packer->report, "%s of them cannot be read, and are left to the training; the first: %s",
                    count_text(arena, packing->unreadable), packing->reason);
}

/* Of data whose cache is being filled. */
static CnnStatus pack_all(const Model *model, Packer *packer, const CacheUse *use, CnnError *error)
{
    ExamineOptions options = {
        .threads = model->session->threads, .progress = show_progress, .context = packer};
    CnnData *data = model->program->data;
    Packing packing;
    char trouble[PATH_MAX + sizeof error->text];
    CnnStatus status = cnn_data_pack(data, &options, &packing, error);
    report_clear(&packer->bar);
    TRY(status);
    if (cnn_data_cache_trouble(data, trouble, sizeof trouble))
        return cnn_fail(error, CNN_NO_RESOURCE, "%s", trouble);
    print_packed(packer, model->session->arena, use, &packing);
    return CNN_OK;
}

static CnnStatus pack_model(const Model *model)
{
    Packer packer = {.started = cnn_clock()};
    CacheUse use;
    CnnError error = {0};
    CnnData *data;
    TRY(data_of(model, &data));
    report_open(&packer.bar, stderr);
    report_open(&packer.report, stdout);
    CnnStatus status = cnn_data_cache(data, CACHE_PLAN, &use, &error);
    if (status == CNN_OK && use.where != CACHE_DISK)
        return command_fail(CNN_BAD_INPUT, "%s does not say 'cache disk' in its data section", model->path);
    if (status == CNN_OK)
        status = cnn_data_cache(data, CACHE_FILL, &use, &error);
    if (status == CNN_OK && use.busy)
        return command_fail(CNN_NO_RESOURCE, "another process is building %s", use.path);
    if (status == CNN_OK)
        report_cache(&packer.report, &use);
    if (status == CNN_OK && use.state == CACHE_FILLING)
        status = pack_all(model, &packer, &use, &error);
    return status == CNN_OK ? CNN_OK : command_fail(status, "%s", error.text);
}

CnnStatus data_pack(const Options *options)
{
    Model model;
    TRY(model_open(options, &model));
    CnnStatus status = pack_model(&model);
    model_close(&model);
    return status;
}
