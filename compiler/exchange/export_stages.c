#include "compiler/exchange/export_stages.h"

#include "compiler/base/text.h"
#include "runtime/data/look.h"
#include "runtime/transform/transform.h"

ExportStages export_stages(const Program *program, bool bare, const char **before)
{
    ExportStages stages = {0};
    const Pointwise *pointwise;
    const char *word;
    Text words = {.arena = program->arena};
    for (; program->data && (word = cnn_data_stage(program->data, stages.count, &pointwise)); stages.count++)
        if (!pointwise || bare)
            stages.first = stages.count + 1;
    for (int i = 0; i < stages.first; i++)
        text_printf(&words, "%s%s", i ? ", " : "", cnn_data_stage(program->data, i, &pointwise));
    *before = text_string(&words);
    return stages;
}
