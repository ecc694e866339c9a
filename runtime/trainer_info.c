#include "runtime/trainer_info.h"

#include <inttypes.h>

#include "runtime/cpu_features.h"
#include "runtime/init.h"

const Flag trainer_info_flags[] = {
    {"--model", FLAG_SWITCH, offsetof(TrainerInfoOptions, model), NULL,
     "the model's text alone, as it was compiled", 0, 0, 0},
    {"--kernels", FLAG_SWITCH, offsetof(TrainerInfoOptions, kernels), NULL,
     "the steps of a training and of an evaluation, each one call of compiled code", 0, 0, 0},
    FLAGS_END,
};

static void print_model(const CnnImage *image)
{
    for (int i = 0; i < image->source_count; i++) {
        if (image->source_count > 1)
            printf("%s# ---- %s ----\n", i ? "\n" : "", image->sources[i].name);
        fputs(image->sources[i].text, stdout);
    }
}

static void print_steps(const char *what, const CnnProgram *program)
{
    static const char *const kinds[] = {[PHASE_CHUNKED] = "by samples", [PHASE_WHOLE] = "whole batch"};
    printf("%s, of %" PRId64 " samples at most:\n", what, program->batch);
    for (int p = 0; p < program->phase_count; p++) {
        const CnnPhase *phase = &program->phases[p];
        for (int s = phase->first_step; s < phase->first_step + phase->step_count; s++)
            printf("  %4d  %-11s  %-48s  %s\n", s, kinds[phase->kind], program->steps[s].label,
                   program->steps[s].where);
    }
}

/* A line for each version. */
static void print_processors(const CnnVersion *chosen)
{
    char missing[CPU_MISSING_MOST];
    for (uint64_t i = 0; i < cnn_built.version_count; i++) {
        const CnnVersion *version = &cnn_built.versions[i];
        cnn_cpu_missing(version->needs, missing, sizeof missing);
        printf("%s%s: ", i ? "            " : "processor   ", version->name);
        if (*missing)
            printf("not on this one, which lacks %s\n", missing);
        else
            printf("%s\n", version == chosen ? "runs here" : "would run here, too");
    }
}

static void print_summary(const CnnImage *image, const CnnVersion *chosen)
{
    int64_t parameters = 0;
    for (int i = 0; i < image->tensor_count; i++)
        if (image->tensors[i].trainable)
            parameters += cnn_tensor_elements(&image->tensors[i]);
    fputs(image->summary, stdout);
    printf("model       %s, from %s\n", image->recipe.model_name, image->recipe.model_path);
    printf("parameters  %" PRId64 "\n", parameters);
    printf("batch       at most %" PRId64 "\n", image->train.batch);
    if (cnn_built.weights)
        printf("weights     %s, %" PRIu64 " bytes, are inside\n", cnn_built.weights_name,
               cnn_built.weights_bytes);
    else
        printf("weights     none are inside\n");
    printf("target      %s\n", image->target);
    print_processors(chosen);
    printf("code        %d kernels, %d steps in training, %d in evaluation\n", image->code_count,
           image->train.step_count, image->eval.step_count);
    printf("made        by cnnc %s\n", cnn_built.made);
}

void trainer_info_print(const CnnImage *image, const CnnVersion *chosen, const TrainerInfoOptions *options)
{
    if (options->model)
        print_model(image);
    if (options->kernels) {
        print_steps("training", &image->train);
        print_steps("evaluation", &image->eval);
    }
    if (!options->model && !options->kernels)
        print_summary(image, chosen);
}
