#include "runtime/watch.h"

#include <string.h>

static bool of_validation(const Watch *watch)
{
    return watch->on == WATCHED_VAL_LOSS || watch->on == WATCHED_VAL_ACCURACY;
}

CnnStatus cnn_watch_open(const CnnImage *image, bool validation, const CnnStatement *statement, int on,
                         Watch *out, CnnError *error)
{
    *out = (Watch){.on = on, .metric = -1};
    const char *word = statement->schema->word;
    char name[32];
    cnn_watch_name(out, name, sizeof name);
    if (of_validation(out) && !validation)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%s: '%s' watches %s, but the data have no validation part (split validation=10%%)",
                        statement->where, word, name);
    if (on == WATCHED_VAL_LOSS || on == WATCHED_LOSS)
        return CNN_OK;
    for (int i = 0; i < image->train.metric_count; i++)
        if (strcmp(image->train.metrics[i].name, "accuracy") == 0)
            out->metric = i;
    if (out->metric < 0)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: '%s' watches %s, but accuracy is not measured",
                        statement->where, word, name);
    return CNN_OK;
}

double cnn_watch_value(const Watch *watch, const Totals *training, const Totals *validation)
{
    const Totals *totals = of_validation(watch) ? validation : training;
    return watch->metric >= 0 ? totals_metric(totals, watch->metric) : totals_loss(totals);
}

double cnn_watch_gain(const Watch *watch, double value, double best)
{
    return watch->metric >= 0 ? value - best : best - value;
}

void cnn_watch_name(const Watch *watch, char *out, size_t bytes)
{
    words_get(WATCHED_WORDS, watch->on, out, bytes);
}
