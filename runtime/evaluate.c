/* Evaluation: as part of a training, after each epoch and at its end, and as a command of its own. */
#include "runtime/evaluate.h"

#include <inttypes.h>

#include "runtime/clock.h"
#include "runtime/interrupt.h"
#include "runtime/output.h"
#include "runtime/scan.h"
#include "runtime/state_file.h"
#include "runtime/training.h"

CnnStatus cnn_part_open(CnnData *data, Part part, int64_t batch, int threads, void *memory, CnnLoader **out,
                        CnnError *error)
{
    *out = NULL;
    if (cnn_data_count(data, part) == 0)
        return CNN_OK;
    LoaderOptions options = {.batch = batch, .threads = threads, .ahead = LOADER_AHEAD, .memory = memory};
    return cnn_loader_open(data, part, &options, out, error);
}

int64_t cnn_output_columns(const CnnProgram *program)
{
    return program->logits < 0 ? 0 : (int64_t)(program->buffers[program->logits].lead_bytes / sizeof(float));
}

static CnnScalars evaluation_scalars(const Batch *batch, uint64_t seed)
{
    return (CnnScalars){.inverse_count = 1 / (float)batch->samples,
                        .count = (float)batch->samples,
                        .seed_low = (int32_t)(uint32_t)seed,
                        .seed_high = (int32_t)(uint32_t)(seed >> 32),
                        .first_sample = (int32_t)batch->first,
                        .first_micro = 1,
                        .last_micro = 1};
}

CnnStatus cnn_part_start(CnnDevice *device, CnnLoader *loader, int64_t epoch, int64_t first_batch,
                         CnnError *error)
{
    cnn_device_expect(device, NULL, NULL, 0); /* the loader's memory gets other contents */
    return cnn_loader_start(loader, epoch, first_batch, error);
}

void cnn_part_expect(CnnDevice *device, CnnLoader *loader)
{
    Batch next;
    if (cnn_device_expects(device) && cnn_loader_peek(loader, &next))
        cnn_device_expect(device, next.input, next.label, next.samples);
}

void cnn_evaluate_batch(CnnDevice *device, const CnnProgram *program, const Batch *batch, uint64_t seed)
{
    CnnScalars scalars = evaluation_scalars(batch, seed);
    cnn_device_step(device, program, batch->input, batch->label, &scalars, batch->samples);
}

CnnStatus cnn_batch_dead(CnnDevice *device, const CnnImage *image, const Batch *batch, uint64_t seed,
                         const CnnBuffer **dead, CnnError *error)
{
    enum { SAMPLES_LEAST = 8 };
    *dead = NULL;
    if (batch->samples < SAMPLES_LEAST)
        return CNN_OK;
    CnnScalars scalars = evaluation_scalars(batch, seed);
    return scan_dead(device, image, batch, &scalars, dead, error);
}

CnnStatus cnn_part_dead(CnnDevice *device, const CnnImage *image, CnnLoader *loader, uint64_t seed,
                        const CnnBuffer **dead, CnnError *error)
{
    Batch batch;
    *dead = NULL;
    TRY(cnn_part_start(device, loader, 0, 0, error));
    CnnStatus status = cnn_loader_next(loader, &batch, error);
    if (status == CNN_OK)
        status = cnn_batch_dead(device, image, &batch, seed, dead, error);
    cnn_loader_stop(loader);
    return status;
}

CnnStatus cnn_part_evaluate(CnnDevice *device, const CnnImage *image, CnnLoader *loader, uint64_t seed,
                            Answers *answers, Totals *totals, CnnError *error)
{
    const CnnProgram *program = &image->eval;
    *totals = (Totals){0};
    answers_begin(answers);
    TRY(cnn_image_await(image, error));
    TRY(cnn_part_start(device, loader, 0, 0, error));
    while (!cnn_interrupted()) {
        Batch batch;
        TRY(cnn_loader_next(loader, &batch, error));
        if (batch.samples == 0)
            break;
        cnn_evaluate_batch(device, program, &batch, seed);
        cnn_part_expect(device, loader);
        TRY(cnn_device_wait(device, error));
        totals_add(totals, device, program, batch.samples);
        const float *outputs =
            program->logits < 0 ? NULL : cnn_device_buffer(device, program, program->logits);
        TRY(answers_add(answers, loader, &batch, outputs, error));
    }
    cnn_loader_stop(loader);
    if (totals->samples == 0 && !cnn_interrupted())
        return cnn_fail(error, CNN_BAD_INPUT, "none of the samples to evaluate could be read");
    answers_metrics(answers, totals);
    return CNN_OK;
}

static CnnStatus dims_fail(const Dims *wanted, const Dims *has, CnnError *error)
{
    return cnn_fail(error, CNN_BAD_INPUT,
                    "the network takes samples of %" PRId64 "x%" PRId64 "x%" PRId64 ", the data have %" PRId64
                    "x%" PRId64 "x%" PRId64,
                    wanted->value[0], wanted->value[1], wanted->value[2], has->value[0], has->value[1],
                    has->value[2]);
}

CnnStatus cnn_data_fits(const CnnImage *image, const CnnData *data, CnnError *error)
{
    Dims shape = cnn_data_shape(data);
    for (int i = 0; i < 3; i++)
        if (shape.value[i] != image->input_shape.value[i])
            return dims_fail(&image->input_shape, &shape, error);
    if (cnn_data_label_dtype(data) != image->label_dtype)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "the network was compiled for labels of type %s, the data have %s",
                        dtype_name(image->label_dtype), dtype_name(cnn_data_label_dtype(data)));
    if (cnn_data_label_width(data) != image->label_width)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "the network was compiled %s 'mixup' or 'cutmix' in 'augment', and the data have %s",
                        image->label_width > 1 ? "with" : "without",
                        image->label_width > 1 ? "neither" : "one of them");
    if (image->classes > 1 && cnn_data_classes(data) > image->classes)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "the network has %" PRId64 " outputs, the data have %" PRId64 " classes",
                        image->classes, cnn_data_classes(data));
    return CNN_OK;
}

/* What an evaluation holds, to be released whatever happens. */
typedef struct {
    const CnnImage *image;
    CnnData *data;
    const EvaluationOptions *options;
    Report report;
    WeightFile *weights;
    CnnDevice *device;
    CnnLoader *loader;
    Part part;
} Evaluation;

static CnnStatus evaluation_load(Evaluation *e, CnnError *error)
{
    const char *path = e->options->weights;
    StateMatch match;
    TRY(cnn_weights_open(path, &e->weights, error));
    TRY(cnn_state_match(e->image, e->data, e->weights, path, &match, error));
    TRY(cnn_state_match_classes(e->data, e->weights, path, error));
    if (match.found < match.wanted)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' lacks %d of the network's %d tensors: %s", path,
                        match.wanted - match.found, match.wanted, match.missing);
    if (match.measured)
        cnn_state_load_measured(e->data, e->weights);
    else
        TRY(cnn_data_prepare(e->data, cnn_device_threads(e->device), error));
    cnn_state_load(e->device, e->image, e->weights, false);
    return CNN_OK;
}

/* Evaluates, with the outputs into `file` unless that is NULL. */
static CnnStatus evaluation_answers(Evaluation *e, AnswersFile *file, CnnError *error)
{
    const char *part = e->options->all ? "whole" : e->part == PART_TEST ? "test" : "validation";
    double start = cnn_clock();
    Totals totals;
    Answers answers;
    TRY(answers_open(e->image, e->data, cnn_data_count(e->data, e->part), file, &e->report, &answers, error));
    CnnStatus status = cnn_part_evaluate(e->device, e->image, e->loader, 0, &answers, &totals, error);
    report_clear(&e->report);
    if (status == CNN_OK && cnn_interrupted())
        status = cnn_fail(error, CNN_INTERRUPTED, "stopped before the end of the evaluation");
    if (status == CNN_OK) {
        report_evaluation(&e->report, e->options->all ? "all" : part, &e->image->eval, &totals,
                          cnn_clock() - start);
        answers_report(&answers, &e->report);
        answers_report_confusion(&answers, &e->report);
        report_cache_trouble(&e->report, e->data);
        report_skipped(&e->report, e->loader, part);
    }
    answers_close(&answers);
    return status;
}

static CnnStatus evaluation_outputs(Evaluation *e, CnnError *error)
{
    const char *path = e->options->outputs;
    int64_t columns = cnn_output_columns(&e->image->eval);
    if (columns == 0)
        return cnn_fail(error, CNN_BAD_INPUT, "this network does not keep its outputs");
    if (!path)
        return evaluation_answers(e, NULL, error);
    AnswersFile file;
    TRY(answers_file_create(path, e->data, e->part, columns, &file, error));
    CnnStatus status = evaluation_answers(e, &file, error);
    if (status != CNN_OK) {
        answers_file_abandon(&file);
        return status;
    }
    TRY(answers_file_commit(&file, error));
    report_line(&e->report, "outputs written to %s", path);
    return CNN_OK;
}

static CnnStatus evaluation_run(Evaluation *e, CnnError *error)
{
    const EvaluationOptions *options = e->options;
    if (options->all && options->validation)
        return cnn_fail(error, CNN_BAD_USAGE, "--all and --validation contradict each other");
    bool test = options->all || (!options->validation && cnn_data_count(e->data, PART_TEST) > 0);
    e->part = test ? PART_TEST : PART_VALIDATION;
    if (!options->all && cnn_data_count(e->data, e->part) == 0)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "the data have no %s part to evaluate on; --all evaluates all samples",
                        options->validation ? "validation" : "test or validation");
    TRY(cnn_data_fits(e->image, e->data, error));
    TRY(cnn_device_open(e->image, e->options->threads, 1, &e->device, error));
    CacheUse use;
    TRY(cnn_data_cache(e->data, CACHE_READ, &use, error));
    report_cache(&e->report, &use);
    TRY(evaluation_load(e, error));
    if (options->all)
        cnn_data_test_all(e->data);
    TRY(cnn_part_open(e->data, e->part, e->image->eval.batch, cnn_device_threads(e->device), NULL, &e->loader,
                      error));
    return evaluation_outputs(e, error);
}

CnnStatus cnn_evaluate(const CnnImage *image, CnnData *data, const EvaluationOptions *options,
                       CnnError *error)
{
    if (!options->weights)
        return cnn_fail(error, CNN_BAD_USAGE, "an evaluation needs --weights FILE");
    TRY(answers_file_check(&image->recipe, options->outputs, error));
    Evaluation e = {.image = image, .data = data, .options = options};
    Interrupts before;
    report_open(&e.report, options->report);
    cnn_interrupts_catch(&before);
    CnnStatus status = evaluation_run(&e, error);
    cnn_interrupts_release(&before);
    if (e.loader)
        cnn_loader_close(e.loader);
    cnn_device_close(e.device);
    cnn_weights_close(e.weights);
    return status;
}
