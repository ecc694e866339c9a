/* Loose samples that lie in memory. */
#include <stdlib.h>
#include <string.h>

#include "runtime/data/loose.h"
#include "runtime/data/pipeline.h"

typedef struct {
    Source source;
    const LooseMemory *memory;
} MemorySource;

static size_t sample_bytes(const LooseMemory *memory, int64_t channels)
{
    return (size_t)(memory->height * memory->width * channels) * dtype_bytes(memory->dtype);
}

static CnnStatus memory_read(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                             Picture *out, CnnError *error)
{
    (void)want_height, (void)want_width;
    const LooseMemory *memory = ((const MemorySource *)source)->memory;
    int64_t channels = source->info.channels;
    TRY(picture_reserve(out, memory->height, memory->width, channels, memory->dtype, error));
    size_t bytes = sample_bytes(memory, channels);
    memcpy(out->data, (const char *)memory->samples + (size_t)index * bytes, bytes);
    return CNN_OK;
}

static void memory_name(Source *source, int64_t index, char *out, size_t bytes)
{
    (void)source;
    snprintf(out, bytes, "sample %lld", (long long)index);
}

static void memory_close(Source *source)
{
    free(source);
}

CnnStatus loose_memory_open(const LooseFiles *files, Source **out, CnnError *error)
{
    MemorySource *memory = calloc(1, sizeof *memory);
    if (!memory)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open samples");
    memory->memory = files->request->memory;
    memory->source =
        (Source){.read = memory_read, .label = loose_label, .name = memory_name, .close = memory_close};
    memory->source.info = (SourceInfo){.channels = files->form.channels,
                                       .ranged = files->form.ranged,
                                       .low = files->form.low,
                                       .high = files->form.high};
    *out = &memory->source;
    return CNN_OK;
}

size_t loose_memory_bytes(const CnnData *data, const LooseMemory *memory)
{
    return sample_bytes(memory, data->source->info.channels);
}
