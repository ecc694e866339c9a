#include "compiler/commands/report.h"

#include <math.h>
#include <string.h>

#include "compiler/commands/chart.h"
#include "compiler/commands/command.h"
#include "runtime/file.h"
#include "runtime/json.h"
#include "runtime/output.h"

CnnStatus report_check(const char *json, const char *plot, const CnnRecipe *recipe)
{
    CnnError error = {0};
    if (plot)
        TRY(chart_check("--plot", plot, recipe));
    if (cnn_output_check(recipe, json, OUTPUT_REPORT, &error) != CNN_OK)
        return command_fail(error.status, "--json: %s", error.text);
    if (plot && json && cnn_file_same(plot, json))
        return command_fail(CNN_BAD_USAGE, "'%s' cannot be both the picture and the JSON", json);
    return CNN_OK;
}

CnnStatus report_write(const char *path, const char *text, CnnError *error)
{
    NewFile file;
    TRY(cnn_file_create(path, &file, error));
    CnnStatus status = cnn_file_write(&file, text, strlen(text), error);
    if (status == CNN_OK)
        return cnn_file_commit(&file, error);
    cnn_file_abandon(&file);
    return status;
}

void json_text(Text *out, const char *text)
{
    char escape[JSON_ESCAPE];
    text_printf(out, "\"");
    for (; *text; text++)
        text_printf(out, "%s", json_escape(*text, escape));
    text_printf(out, "\"");
}

void json_number(Text *out, double value)
{
    if (isfinite(value))
        text_printf(out, "%.9g", value);
    else
        text_printf(out, "null");
}

void json_field(Text *out, const char *key, double value)
{
    text_printf(out, ", \"%s\": ", key);
    json_number(out, value);
}

void json_text_field(Text *out, const char *key, const char *text)
{
    text_printf(out, ", \"%s\": ", key);
    json_text(out, text);
}
