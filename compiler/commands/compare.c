/* `cnnc compare`: what fusions, rewrites and precisions cost and give. */
#include "compiler/commands/compare.h"

#include "compiler/base/bug.h"
#include "compiler/commands/report.h"
#include "runtime/pool.h"

enum { STEPS = 10, ROUNDS = 5, WARM_UP = 2 };

static CnnStatus write_files(const Options *options, const Comparison *comparison, CnnError *error)
{
    if (options->json)
        TRY(report_write(options->json, compare_json(comparison), error));
    if (options->plot)
        TRY(compare_plot(comparison, options->plot, error));
    return CNN_OK;
}

static CnnStatus measure(const Options *options, Comparison *comparison)
{
    CnnError error = {0};
    Text table = {.arena = comparison->arena};
    CnnStatus status = compare_run(comparison, &error);
    if (status == CNN_OK)
        status = compare_train(comparison, &error);
    if (status == CNN_OK) {
        compare_print(comparison, &table);
        printf("%s%s\n%s", comparison->epochs ? "\n" : "", text_string(&table), compare_verdict(comparison));
        status = write_files(options, comparison, &error);
    }
    return status == CNN_OK ? CNN_OK : command_fail(status, "%s", error.text);
}

CnnStatus command_compare(const Options *options)
{
    Model model;
    TRY(model_open(options, &model));
    Session *session = model.session;
    Comparison comparison = {.arena = session->arena,
                             .model = &model,
                             .steps = options->training.steps ? options->training.steps : STEPS,
                             .warm_up = WARM_UP,
                             .rounds = options->rounds ? options->rounds : ROUNDS,
                             .epochs = options->training.epochs,
                             .threads = session->threads ? session->threads : cnn_cores()};
    CnnStatus status = report_check(options->json, options->plot, &model.checked->recipe);
    if (status == CNN_OK)
        status = variants_open(&comparison, options->variants, options->each);
    if (status == CNN_OK)
        status = measure(options, &comparison);
    variants_close(&comparison);
    cnn_batches_free(&comparison.batches);
    model_close(&model);
    return status;
}
