#include "runtime/watched.h"

#include <stdio.h>
#include <string.h>

static int find_metric(const CnnProgram *program, const char *name)
{
    for (int i = 0; i < program->metric_count; i++)
        if (strcmp(program->metrics[i].name, name) == 0)
            return i;
    return -1;
}

static const CnnProgram *program_of(const CnnImage *image, bool validation)
{
    return validation ? &image->eval : &image->train;
}

/* "val_loss, val_accuracy, loss, accuracy" */
static void list_values(const CnnImage *image, bool validation, char *out, size_t bytes)
{
    size_t used = 0;
    for (int part = validation ? 0 : 1; part < 2; part++) {
        const CnnProgram *program = program_of(image, part == 0);
        const char *prefix = part == 0 ? "val_" : "";
        for (int i = -1; i < program->metric_count && used < bytes; i++)
            used += (size_t)snprintf(out + used, bytes - used, "%s%s%s", used ? ", " : "", prefix,
                                     i < 0 ? "loss" : program->metrics[i].name);
    }
}

CnnStatus cnn_watched_find(const CnnImage *image, bool validation, const CnnStatement *statement,
                           const char *name, Watched *out, CnnError *error)
{
    bool of_validation = strncmp(name, "val_", 4) == 0;
    const char *value = of_validation ? name + 4 : name;
    bool is_loss = strcmp(value, "loss") == 0;
    *out = (Watched){.name = name, .validation = of_validation, .falls = is_loss, .metric = -1};
    if (!is_loss)
        out->metric = find_metric(program_of(image, of_validation), value);
    if (of_validation && !validation)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%s: '%s' watches %s, but the data have no validation part (split validation=10%%)",
                        statement->where, statement->schema->word, name);
    if (is_loss || out->metric >= 0)
        return CNN_OK;
    char values[512];
    list_values(image, validation, values, sizeof values);
    if (!of_validation && find_metric(&image->eval, value) >= 0)
        return cnn_fail(
            error, CNN_BAD_INPUT,
            "%s: '%s' watches %s, which is measured of the validation and the test part only: there "
            "are %s",
            statement->where, statement->schema->word, name, values);
    return cnn_fail(error, CNN_BAD_INPUT,
                    "%s: '%s' watches %s, which is not measured: there are %s, and 'metrics' adds others",
                    statement->where, statement->schema->word, name, values);
}

double cnn_watched_value(const Watched *watched, const Totals *training, const Totals *validation)
{
    const Totals *totals = watched->validation ? validation : training;
    return watched->metric >= 0 ? totals_metric(totals, watched->metric) : totals_loss(totals);
}

double cnn_watched_gain(const Watched *watched, double value, double other)
{
    return watched->falls ? other - value : value - other;
}
