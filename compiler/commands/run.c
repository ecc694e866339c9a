/* `cnnc run`: compiles a model and trains it. */
#include "compiler/commands/model.h"
#include "runtime/training.h"

CnnStatus command_run(const Options *options)
{
    Model model;
    Linked linked;
    CnnError error = {0};
    TRY(model_open(options, &model));
    CnnStatus status = model_link(&model, true, &linked);
    if (status == CNN_OK) {
        TrainingOptions training = options->training;
        training.report = stdout;
        training.threads = model.session->threads;
        fputs(model_rewrites_text(&model), stdout);
        printf("%d kernels compiled, %d from the cache, in %.2f s\n", linked.compiled, linked.cached,
               linked.seconds);
        status = cnn_train(linked.image, model.program->data, &training, &error);
        driver_unlink(&linked);
        if (status != CNN_OK)
            command_fail(status, "%s", error.text);
    }
    model_close(&model);
    return status;
}
