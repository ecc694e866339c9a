#include "runtime/predict.h"

#include <inttypes.h>

#include "runtime/clock.h"
#include "runtime/data/loose.h"
#include "runtime/evaluate.h"
#include "runtime/interrupt.h"
#include "runtime/report.h"
#include "runtime/state_file.h"

/* What a prediction holds, to be released whatever happens. */
typedef struct {
    const CnnImage *image;
    CnnData *data;
    const WeightFile *weights;
    const PredictionOptions *options;
    Report report;
    Prediction prediction;
    CnnDevice *device;
    CnnLoader *loader;
    int64_t told; /* of the files that cannot be read */
} Predicting;

CnnStatus cnn_prediction_check(const PredictionOptions *options, CnnError *error)
{
    if (!options->weights)
        return cnn_fail(error, CNN_BAD_USAGE, "a prediction needs --weights FILE");
    if (options->json && options->csv)
        return cnn_fail(error, CNN_BAD_USAGE, "--json and --csv contradict each other");
    return CNN_OK;
}

CnnStatus cnn_prediction_load(const CnnImage *image, CnnData *data, const WeightFile *weights,
                              const char *path, CnnDevice *device, CnnError *error)
{
    StateMatch match;
    TRY(cnn_state_match_whole(image, data, weights, path, &match, error));
    if (match.measured)
        cnn_state_load_measured(data, weights);
    cnn_state_load(device, image, weights, false);
    return CNN_OK;
}

CnnStatus cnn_prediction_open(const CnnImage *image, const CnnData *data, const PredictionOptions *options,
                              Prediction *out, CnnError *error)
{
    const CnnProgram *program = &image->eval;
    PredictionForm form = options->json ? PREDICTION_JSON : options->csv ? PREDICTION_CSV : PREDICTION_TEXT;
    if (program->logits < 0)
        return cnn_fail(error, CNN_BAD_INPUT, "this network does not keep its outputs");
    int64_t columns = (int64_t)(program->buffers[program->logits].lead_bytes / sizeof(float));
    return prediction_open(data, form, image->output, columns, options->top, out, error);
}

static CnnStatus predicting_open(Predicting *p, CnnError *error)
{
    const PredictionOptions *options = p->options;
    int64_t most = p->image->eval.batch, files = cnn_data_count(p->data, PART_TEST);
    if (options->batch > most)
        return cnn_fail(error, CNN_BAD_USAGE,
                        "a batch of %" PRId64 " is too large: this code was compiled for at most %" PRId64,
                        options->batch, most);
    TRY(cnn_data_fits(p->image, p->data, error));
    TRY(cnn_prediction_open(p->image, p->data, options, &p->prediction, error));
    TRY(cnn_device_open(p->image, options->threads, 1, &p->device, error));
    TRY(cnn_prediction_load(p->image, p->data, p->weights, options->weights, p->device, error));
    int64_t batch = options->batch ? options->batch : most;
    LoaderOptions loader = {.batch = batch < files ? batch : files,
                            .threads = cnn_device_threads(p->device),
                            .ahead = LOADER_AHEAD};
    TRY(cnn_loader_open(p->data, PART_TEST, &loader, &p->loader, error));
    cnn_loader_keep_order(p->loader);
    return CNN_OK;
}

/* Says of each file that could not be read, as soon as it is known, why. */
static void tell_unreadable(Predicting *p)
{
    for (; p->told < cnn_loader_skipped(p->loader); p->told++)
        report_line(&p->report, "%s", cnn_loader_skipped_reason(p->loader, p->told));
}

static CnnStatus predict_batch(Predicting *p, const Batch *batch, CnnError *error)
{
    const CnnProgram *program = &p->image->eval;
    cnn_evaluate_batch(p->device, program, batch, 0);
    TRY(cnn_device_wait(p->device, error));
    const float *outputs = cnn_device_buffer(p->device, program, program->logits);
    report_clear(&p->report); /* which may be the same terminal */
    for (int64_t i = 0; i < batch->samples; i++)
        prediction_line(&p->prediction, cnn_data_loose_path(p->data, cnn_loader_sample(p->loader, i)),
                        outputs + i * p->prediction.columns, stdout);
    if (fflush(stdout) != 0 || ferror(stdout))
        return cnn_fail(error, CNN_NO_RESOURCE, "the predictions cannot be written");
    return CNN_OK;
}

static CnnStatus predict_all(Predicting *p, CnnError *error)
{
    int64_t files = cnn_data_count(p->data, PART_TEST), seen = 0;
    double begun = cnn_clock();
    Batch batch = {0};
    prediction_begin(&p->prediction, stdout);
    TRY(cnn_loader_start(p->loader, 0, 0, error));
    while (!batch.last && !cnn_interrupted()) {
        TRY(cnn_loader_next(p->loader, &batch, error));
        tell_unreadable(p);
        if (batch.samples > 0)
            TRY(predict_batch(p, &batch, error));
        seen += batch.samples;
        report_bar(&p->report, "predicting", seen + p->told, files, cnn_clock() - begun);
    }
    report_clear(&p->report);
    cnn_loader_stop(p->loader);
    if (cnn_interrupted())
        return cnn_fail(error, CNN_INTERRUPTED, "stopped after %" PRId64 " of %" PRId64 " files",
                        seen + p->told, files);
    if (p->told > 0)
        return cnn_fail(error, CNN_BAD_INPUT, "%" PRId64 " of %" PRId64 " file%s could not be read", p->told,
                        files, files == 1 ? "" : "s");
    return CNN_OK;
}

CnnStatus cnn_predict(const CnnImage *image, CnnData *data, const WeightFile *weights,
                      const PredictionOptions *options, CnnError *error)
{
    Predicting p = {.image = image, .data = data, .weights = weights, .options = options};
    Interrupts before;
    report_open(&p.report, options->report);
    cnn_interrupts_catch(&before);
    CnnStatus status = predicting_open(&p, error);
    if (status == CNN_OK)
        status = predict_all(&p, error);
    cnn_interrupts_release(&before);
    if (p.loader)
        cnn_loader_close(p.loader);
    cnn_device_close(p.device);
    prediction_close(&p.prediction);
    return status;
}
