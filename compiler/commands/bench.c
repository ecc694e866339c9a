/* `cnnc bench`: how fast a step is, where its time goes, and what the machine could do. */
#include "compiler/commands/bench.h"
#include "compiler/commands/report.h"

enum { WINDOWS = 5, IMAGES = 512 };

static CnnStatus write_files(const Options *options, const Bench *bench, CnnError *error)
{
    if (options->json)
        TRY(report_write(options->json, bench_json(bench), error));
    if (options->plot)
        TRY(bench_plot(bench, options->plot, error));
    return CNN_OK;
}

static CnnStatus run(const Options *options, Bench *bench, const Model *model, const Linked *linked,
                     CnnError *error)
{
    BenchOptions wanted = {.windows = options->windows ? options->windows : WINDOWS,
                           .seconds = options->seconds ? (double)options->seconds : 1,
                           .images = options->images ? options->images : IMAGES,
                           .evaluation = options->of_evaluation};
    TRY(bench_open(bench, model, linked, &wanted, error));
    bench_measure(bench);
    bench_profile(bench);
    TRY(cnn_device_wait(bench->device, error));
    TRY(bench_loader(bench, error));
    Text out = {.arena = bench->arena};
    bench_print(bench, options->quiet, &out);
    fputs(text_string(&out), stdout);
    return write_files(options, bench, error);
}

CnnStatus command_bench(const Options *options)
{
    Model model;
    Linked linked = {0};
    CnnError error = {0};
    TRY(model_open(options, &model));
    CnnStatus status = report_check(options->json, options->plot, &model.checked->recipe);
    model.session->at_once = !options->of_evaluation;
    if (status == CNN_OK)
        status = model_compile(&model, true, &linked);
    if (status == CNN_OK) {
        Bench bench = {0};
        loss_scale_open(&bench.scale);
        status = run(options, &bench, &model, &linked, &error);
        if (status != CNN_OK)
            command_fail(status, "%s", error.text);
        bench_close(&bench);
        driver_unlink(&linked);
    }
    model_close(&model);
    return status;
}
