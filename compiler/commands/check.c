/* `cnnc check`: all that can be known of a training before it begins. */
#include <inttypes.h>

#include "compiler/commands/layers.h"
#include "compiler/commands/memory_plan.h"
#include "runtime/memory.h"

enum { BAR_COLUMNS = 40 };

typedef struct {
    int64_t least, most;
} ClassCounts;

static ClassCounts count_classes(const CnnData *data, Part part)
{
    ClassCounts counts = {INT64_MAX, 0};
    for (int64_t c = 0; c < cnn_data_classes(data); c++) {
        int64_t count = cnn_data_class_count(data, part, c);
        counts.least = count < counts.least ? count : counts.least;
        counts.most = count > counts.most ? count : counts.most;
    }
    return counts;
}

static void print_bars(const CnnData *data, int64_t most, Text *out)
{
    int64_t classes = cnn_data_classes(data);
    for (int64_t c = 0; c < classes; c++) {
        int64_t count = cnn_data_class_count(data, PART_TRAIN, c);
        text_printf(out, "  %-24.24s %8" PRId64 "  ", cnn_data_class_name(data, c), count);
        for (int64_t i = 0; i < (count * BAR_COLUMNS + most - 1) / most; i++)
            text_printf(out, "#");
        text_printf(out, "\n");
    }
}

/* Equal classes need no bars; a class that is rare is what one wants to see. */
static void print_classes(const CnnData *data, Text *out)
{
    int64_t classes = cnn_data_classes(data);
    if (classes == 0) {
        text_printf(out, "labels: real numbers\n");
        return;
    }
    ClassCounts counts = count_classes(data, PART_TRAIN);
    bool equal = counts.most <= counts.least + counts.least / 8;
    const char *least = count_text(out->arena, counts.least), *most = count_text(out->arena, counts.most);
    if (counts.most == counts.least)
        text_printf(out, "classes: %" PRId64 ", each with %s training samples\n", classes, least);
    else
        text_printf(out, "classes: %" PRId64 ", with %s to %s training samples\n", classes, least, most);
    if (!equal && counts.most > 0)
        print_bars(data, counts.most, out);
}

static void print_data(const CnnData *data, Text *out)
{
    Dims shape = cnn_data_shape(data);
    text_printf(out, "data: %s training, %s validation, %s test samples of ",
                count_text(out->arena, cnn_data_count(data, PART_TRAIN)),
                count_text(out->arena, cnn_data_count(data, PART_VALIDATION)),
                count_text(out->arena, cnn_data_count(data, PART_TEST)));
    for (int i = 0; i < shape.count; i++)
        text_printf(out, i ? "x%" PRId64 : "%" PRId64, shape.value[i]);
    text_printf(out, "\n");
    uint64_t bytes;
    const char *unpacked = cnn_data_unpacked(data, &bytes);
    if (unpacked)
        text_printf(out, "archive: unpacked in %s, %s\n", unpacked, bytes_text(out->arena, (double)bytes));
    const char *index = cnn_data_index(data, &bytes);
    if (index)
        text_printf(out, "names: kept in %s, %s\n", index, bytes_text(out->arena, (double)bytes));
    print_classes(data, out);
    char line[NAME_BYTES + 256];
    if (cnn_data_split_text(data, line, sizeof line))
        text_printf(out, "%s\n", line);
    if (cnn_data_balance_text(data, line, sizeof line))
        text_printf(out, "%s\n", line);
    if (cnn_data_measured_text(data, line, sizeof line))
        text_printf(out, "%s\n", line);
}

/* The file of `cache disk`. */
static CnnStatus print_disk(const CacheUse *cache, Text *out)
{
    const char *needed = bytes_text(out->arena, (double)cache->bytes),
               *available = bytes_text(out->arena, (double)cache->available);
    if (cache->where != CACHE_DISK)
        return CNN_OK;
    if (cache->state == CACHE_WHOLE) {
        text_printf(out, "disk: decoded samples, %s, are in %s\n", needed, cache->path);
        return CNN_OK;
    }
    text_printf(out, "disk: %s for decoded samples: %s\n", needed, cache->path);
    if (cache->bytes <= cache->available)
        return CNN_OK;
    return command_fail(CNN_NO_RESOURCE, "'cache disk' needs %s of disk, and %s are free", needed, available);
}

static CnnStatus print_memory(const Model *model, const Plan *train, const Plan *eval, const CacheUse *cache,
                              Text *out)
{
    MemoryPlan plan = memory_plan(model, train, eval);
    uint64_t bytes = plan.bytes, available = cnn_memory_available(), all = bytes;
    const char *kept = bytes_text(out->arena, (double)cache->bytes);
    bool in_memory = cache->where == CACHE_MEMORY && cache->bytes > 0;
    bool fits = in_memory && cnn_add(bytes, cache->bytes, &all) && all <= available;
    text_printf(out, "memory: %s on %d thread%s, batch %" PRId64,
                bytes_text(out->arena, (double)(fits ? all : bytes)), plan.threads,
                plan.threads == 1 ? "" : "s", model->program->batch);
    if (fits)
        text_printf(out, ", %s of it for decoded samples", kept);
    else if (in_memory)
        text_printf(out, "; decoded samples would take %s, which are not free: there will be no cache", kept);
    text_printf(out, "\n");
    if (bytes <= available)
        return CNN_OK;
    return command_fail(CNN_NO_RESOURCE, "the training needs %s of memory, and %s are available",
                        bytes_text(out->arena, (double)bytes), bytes_text(out->arena, (double)available));
}

static CnnStatus print_resources(const Model *model, const Plan *train, const Plan *eval, Text *out)
{
    CacheUse cache = {0};
    CnnError error = {0};
    CnnStatus status = CNN_OK;
    if (model->program->data)
        status = cnn_data_cache(model->program->data, CACHE_PLAN, &cache, &error);
    if (status != CNN_OK)
        return command_fail(status, "%s", error.text);
    status = print_memory(model, train, eval, &cache, out);
    return status == CNN_OK ? print_disk(&cache, out) : status;
}

CnnStatus command_check(const Options *options)
{
    Model model;
    TRY(model_open(options, &model));
    Session *session = model.session;
    Text out = {.arena = session->arena};
    CnnStatus status = CNN_BAD_INPUT;
    const Graph *train = driver_graph(session, model.program, true);
    const Graph *eval = train ? driver_graph(session, model.program, false) : NULL;
    if (eval) {
        const Plan *plan = driver_plan(session, train);
        text_printf(&out, "%s%s", model_rewrites_text(&model), layers_table(session, model.program, plan));
        status = print_resources(&model, plan, driver_plan(session, eval), &out);
        if (model.program->data)
            print_data(model.program->data, &out);
        fputs(text_string(&out), stdout);
    }
    if (model_report(&model) != CNN_OK)
        status = CNN_BAD_INPUT;
    model_close(&model);
    return status;
}
