/* `cnnc eval`: loss and metrics of trained weights. */
#include "compiler/commands/model.h"
#include "runtime/training.h"

CnnStatus command_eval(const Options *options)
{
    Model model;
    Linked linked;
    CnnError error = {0};
    if (!options->evaluation.weights)
        return command_fail(CNN_BAD_USAGE, "eval: --weights must say which weights");
    TRY(model_open(options, &model));
    CnnStatus status = model_link(&model, true, &linked);
    if (status == CNN_OK) {
        EvaluationOptions evaluation = options->evaluation;
        fputs(model_rewrites_text(&model), stdout);
        evaluation.report = stdout;
        evaluation.threads = model.session->threads;
        status = cnn_evaluate(linked.image, model.program->data, &evaluation, &error);
        driver_unlink(&linked);
        if (status != CNN_OK)
            command_fail(status, "%s", error.text);
    }
    model_close(&model);
    return status;
}
