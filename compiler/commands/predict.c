/* `cnnc predict`: what trained weights say to files. */
#include "compiler/commands/predict_why.h"
#include "runtime/data/loose.h"
#include "runtime/predict.h"

static CnnStatus predict_files(Model *model, const Options *options, const WeightFile *weights)
{
    Linked linked;
    CnnError error = {0};
    PredictionOptions prediction = options->prediction;
    if (!model->program->data)
        return model_lacks_data(model, ": nothing says how a file becomes a sample");
    if (options->why)
        return predict_why_draw(model, options, weights);
    model->session->purpose = PURPOSE_PREDICTION;
    TRY(model_link(model, true, &linked));
    fputs(model_rewrites_text(model), stderr);
    prediction.report = stderr;
    prediction.threads = model->session->threads;
    CnnStatus status = cnn_predict(linked.image, model->program->data, weights, &prediction, &error);
    driver_unlink(&linked);
    return status == CNN_OK ? CNN_OK : command_fail(status, "%s", error.text);
}

CnnStatus command_predict(const Options *options)
{
    Model model;
    WeightFile *weights;
    CnnError error = {0};
    TRY(predict_why_check(options));
    CnnStatus status = cnn_prediction_check(&options->prediction, &error);
    if (status == CNN_OK)
        status = cnn_weights_open(options->prediction.weights, &weights, &error);
    if (status != CNN_OK)
        return command_fail(status, "predict: %s", error.text);
    LooseRequest request = {options->words + 1, options->word_count - 1, weights, options->prediction.weights,
                            NULL};
    Options with_files = *options;
    with_files.loose = &request;
    if (options->why)
        with_files.prediction.batch = 1;
    status = model_open(&with_files, &model);
    if (status == CNN_OK) {
        status = predict_files(&model, options, weights);
        model_close(&model);
    }
    cnn_weights_close(weights);
    return status;
}
