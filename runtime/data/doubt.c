/* What is probably a mistake in data that are well-formed. */
#include <stdio.h>

#include "runtime/data/pipeline.h"

static bool doubt_channels(const CnnData *data, char *out, size_t bytes)
{
    const SourceInfo *info = &data->source->info;
    if (info->channels_first)
        snprintf(
            out, bytes,
            "samples of %lld x %lld x %lld look like channels x height x width, and are read as height x "
            "width x channels: numpy.moveaxis(x, 1, -1) brings the channels to the end",
            (long long)info->height, (long long)info->width, (long long)info->channels);
    return info->channels_first;
}

static bool doubt_classes(const CnnData *data, char *out, size_t bytes)
{
    const SourceInfo *info = &data->source->info;
    if (info->class_names || info->classes == 0)
        return false;
    for (int part = 0; part < PART_COUNT; part++)
        if (data->class_counts[part][0] > 0)
            return false;
    snprintf(
        out, bytes,
        "class 0 has no samples: do the labels begin at 1? Classes are numbered from 0, so there are %lld",
        (long long)info->classes);
    return true;
}

bool cnn_data_doubt(const CnnData *data, int number, char *out, size_t bytes)
{
    static bool (*const doubts[])(const CnnData *, char *, size_t) = {doubt_channels, doubt_classes};
    for (size_t i = 0; i < sizeof doubts / sizeof *doubts; i++)
        if (doubts[i](data, out, bytes) && number-- == 0)
            return true;
    return false;
}
