#include "compiler/commands/series.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/commands/model.h"
#include "compiler/commands/registry.h"
#include "compiler/commands/run.h"
#include "runtime/interrupt.h"
#include "runtime/key.h"
#include "runtime/report.h"
#include "runtime/run/run_folder.h"

/* ---- What is trained ---- */

/* The command line of one point. */
static Options point_options(const Series *series, const SeriesPoint *point)
{
    Options own = *series->options;
    own.defines = point->defines;
    own.sets = point->sets;
    own.seeds = 0;
    return own;
}

/* Messages of the compiler, kept to be told later. */
typedef struct {
    FILE *out;
    char *text;
    size_t length;
} Messages;

static void messages_open(Messages *messages)
{
    *messages = (Messages){0};
    messages->out = open_memstream(&messages->text, &messages->length);
    if (!messages->out)
        BUG("no memory for messages");
}

static const char *messages_close(Messages *messages, Arena *arena)
{
    fclose(messages->out);
    const char *text = arena_text(arena, messages->text, messages->length);
    free(messages->text);
    return text;
}

/* What one point's model is. */
typedef struct {
    CnnStatus status;
    const char *messages;
    Key key; /* of all that decides what is learnt, but for the seed */
    uint64_t seed;
} Checked;

static CnnStatus key_of_model(const Series *series, const Model *model, Key *key)
{
    const Program *program = model->program;
    const char *start = series->options->training.start;
    char *identity = cnn_data_identity(program->data);
    if (!identity)
        return command_fail(CNN_NO_RESOURCE, "no memory to name the data");
    *key = key_add_text(key_start(), identity);
    free(identity);
    for (size_t i = 0; i < program->sources.count; i++) {
        *key = key_add_text(*key, program->sources.items[i].name);
        *key = key_add_text(*key, program->sources.items[i].text);
    }
    for (int i = 0; i < REWRITE_COUNT; i++)
        *key = key_add_number(*key, model->rewrites.on[i]);
    *key = key_add_text(*key, start ? start : "");
    return CNN_OK;
}

/* Errors: those that are no fault of this point. */
static CnnStatus check_point(Series *series, const SeriesPoint *point, Checked *checked)
{
    Model model;
    Messages messages;
    CnnStatus status = CNN_OK;
    Options own = point_options(series, point);
    messages_open(&messages);
    own.messages = messages.out;
    checked->status = model_open(&own, &model);
    if (checked->status == CNN_OK) {
        series->model = arena_printf(series->arena, "%s", model.program->name);
        checked->seed = cnn_training_seed(&own.training, &model.program->recipe);
        status = model.program->data ? key_of_model(series, &model, &checked->key)
                                     : model_lacks_data(&model, ": there is nothing to train on");
        model_close(&model);
    }
    checked->messages = messages_close(&messages, series->arena);
    return status;
}

/* The first line, without the place that it is shown under. */
static const char *first_line(Arena *arena, const char *text)
{
    return arena_text(arena, text, strcspn(text, "\n"));
}

static void make_runs(Series *series, const SeriesPoint *point, const Checked *checked, SeriesRun *runs)
{
    Arena *arena = series->arena;
    for (int k = 0; k < series->seeds; k++) {
        SeriesRun *run = &runs[k];
        *run = (SeriesRun){.point = point, .varied = point->varied, .seed = checked->seed + (uint64_t)k};
        run->why = "";
        if (series->seeds > 1 || !*point->varied)
            run->varied = arena_printf(arena, "%s%sseed=%" PRIu64, point->varied, *point->varied ? ", " : "",
                                       run->seed);
        if (checked->status != CNN_OK) {
            run->state = SERIES_WRONG;
            run->status = checked->status;
            run->why = first_line(arena, checked->messages);
            continue;
        }
        Key key = key_add_number(checked->key, (int64_t)run->seed);
        run->key = arena_printf(arena, "%016" PRIx64 "%016" PRIx64, key.high, key.low);
    }
}

static CnnStatus check_different(const Series *series)
{
    for (int i = 0; i < series->count; i++)
        for (int k = 0; k < i && series->runs[i].key; k++)
            if (series->runs[k].key && strcmp(series->runs[i].key, series->runs[k].key) == 0)
                return command_fail(CNN_BAD_USAGE,
                                    "'%s' and '%s' are the same training: another flag has the last word on "
                                    "what varies",
                                    series->runs[k].varied, series->runs[i].varied);
    return CNN_OK;
}

CnnStatus series_open(const Options *options, const SeriesPoint *points, int count, int seeds, Series *series)
{
    int sound = 0;
    Arena *arena = options->arena;
    const char *first_error = NULL;
    CnnStatus first_status = CNN_OK;
    *series = (Series){.options = options, .arena = arena, .count = count * seeds, .seeds = seeds};
    series->runs = NEW_ARRAY(arena, SeriesRun, series->count);
    for (int i = 0; i < count; i++) {
        Checked checked = {0};
        TRY(check_point(series, &points[i], &checked));
        make_runs(series, &points[i], &checked, &series->runs[i * seeds]);
        if (checked.status == CNN_OK && sound++ == 0)
            fputs(checked.messages, stderr); /* warnings, which are much the same at all points */
        if (checked.status != CNN_OK && !first_error) {
            first_error = checked.messages;
            first_status = checked.status;
        }
        if (checked.status == CNN_BAD_USAGE)
            break;
    }
    if (first_error && (sound == 0 || first_status == CNN_BAD_USAGE)) {
        fputs(first_error, stderr);
        return first_status;
    }
    return check_different(series);
}

/* ---- Earlier runs ---- */

/* The newest that has finished, else the newest; NULL: none. */
static const RunRecord *find_earlier(const RunList *list, const char *key)
{
    const RunRecord *found = NULL;
    for (size_t i = list->count; i-- > 0;) {
        const RunRecord *record = &list->items[i];
        if (strcmp(json_object_text(&record->begin, "point"), key) != 0)
            continue;
        if (record->state == RUN_STATE_FINISHED)
            return record;
        found = found ? found : record;
    }
    return found;
}

/* False: there is none. */
static bool take_earlier(const RunList *list, SeriesRun *run)
{
    const RunRecord *earlier = run->key ? find_earlier(list, run->key) : NULL;
    if (!earlier)
        return false;
    run->recorded = true;
    run->record = *earlier;
    bool ended = earlier->state == RUN_STATE_FINISHED || earlier->state == RUN_STATE_DIVERGED,
         elsewhere = earlier->state == RUN_STATE_RUNNING;
    if (ended || elsewhere) {
        run->state = SERIES_BEFORE;
        run->status = earlier->state == RUN_STATE_DIVERGED ? CNN_DIVERGED : CNN_OK;
        run->why = elsewhere ? "another process trains it" : json_object_text(&earlier->end, "text");
    }
    return true;
}

/* What cannot be read is no earlier run; `cnnc runs` tells of it. */
static RunList read_list(const Series *series)
{
    RunList list;
    CnnError unused = {0};
    Text notes = {.arena = series->arena};
    JsonReader *reader = json_reader_open();
    if (registry_read(reader, series->arena, &list, &notes, &unused) != CNN_OK)
        list = (RunList){0};
    json_reader_close(reader);
    return list;
}

int series_take_earlier(Series *series)
{
    int known = 0;
    const RunList list = read_list(series);
    series->goes_on = true;
    for (int i = 0; i < series->count; i++)
        known += take_earlier(&list, &series->runs[i]);
    return known;
}

/* What another process has done or begun meanwhile. */
static void look_again(const Series *series, SeriesRun *run)
{
    const RunList list = read_list(series);
    take_earlier(&list, run);
}

/* ---- Training ---- */

static bool has_checkpoint(const char *path)
{
    CheckpointList list;
    CnnError unused = {0};
    RunFolder folder = {.path = (char *)(uintptr_t)path, .lock = -1};
    bool has = cnn_run_folder_checkpoints(&folder, &list, &unused) == CNN_OK && list.count > 0;
    free(list.steps);
    return has;
}

static void read_record(Series *series, SeriesRun *run, const char *folder)
{
    RunRecord record;
    CnnError unused = {0};
    JsonReader *reader = json_reader_open();
    if (run_record_read(reader, series->arena, arena_printf(series->arena, "%s", folder), &record, NULL,
                        &unused) == CNN_OK) {
        run->record = record;
        run->recorded = true;
    }
    json_reader_close(reader);
}

/* On a terminal the lines that follow take its place, and are longer. */
static void say_compiling(const Options *options, const char *label)
{
    Report report;
    report_open(&report, options->training.quiet || options->training.json ? NULL : stdout);
    if (report.terminal)
        printf("%s  is compiled\r", label);
    fflush(stdout);
}

static void train_run(Series *series, SeriesRun *run)
{
    RunLeft left;
    Messages messages;
    CnnError error = {0};
    Arena *arena = series->arena;
    Options own = point_options(series, run->point);
    TrainingOptions *training = &own.training;
    training->seed = run->seed;
    training->seed_given = true;
    training->label = arena_printf(arena, "%d/%d", (int)(run - series->runs) + 1, series->count);
    training->varied = run->varied;
    training->point = run->key;
    training->resume = run->recorded && has_checkpoint(run->record.path) ? run->record.path : NULL;
    say_compiling(&own, training->label);
    messages_open(&messages);
    own.messages = messages.out;
    run->status = run_train(&own, &left, &error);
    const char *told = messages_close(&messages, arena);
    run->state = SERIES_TRAINED;
    run->why = error.status != CNN_OK ? arena_printf(arena, "%s", error.text) : first_line(arena, told);
    run->compiled = left.compiled;
    run->cached = left.cached;
    if (run->status == CNN_OK)
        run->why = "";
    else if (!*run->why)
        run->why = "it could not be compiled";
    if (left.folder)
        read_record(series, run, left.folder);
    free(left.folder);
}

CnnStatus series_train(Series *series)
{
    Interrupts before;
    bool interrupted = false;
    cnn_interrupts_catch(&before);
    for (int i = 0; i < series->count && !interrupted; i++) {
        SeriesRun *run = &series->runs[i];
        if (run->state != SERIES_WAITS)
            continue;
        if (series->goes_on)
            look_again(series, run);
        if (run->state == SERIES_WAITS && !cnn_interrupted())
            train_run(series, run);
        interrupted = run->status == CNN_INTERRUPTED || cnn_interrupted();
        if (run->state != SERIES_WAITS && series->ended)
            series->ended(series->context, run);
    }
    cnn_interrupts_release(&before);
    return interrupted ? CNN_INTERRUPTED : CNN_OK;
}

/* ---- How they went ---- */

bool series_finished(const SeriesRun *run)
{
    if (run->state == SERIES_BEFORE)
        return run->record.state == RUN_STATE_FINISHED;
    return run->state == SERIES_TRAINED && run->status == CNN_OK && run->recorded;
}

int series_count_finished(const SeriesRun *runs, int count)
{
    int finished = 0;
    for (int i = 0; i < count; i++)
        finished += series_finished(&runs[i]);
    return finished;
}

CnnStatus series_status(const SeriesRun *runs, int count)
{
    for (int i = 0; i < count; i++)
        if (runs[i].status != CNN_OK)
            return runs[i].status;
    return CNN_OK;
}

const char *series_state_text(const SeriesRun *run)
{
    switch (run->state) {
    case SERIES_WAITS:
        break;
    case SERIES_WRONG:
        return "wrong";
    case SERIES_BEFORE:
        return run_state_names[run->record.state];
    case SERIES_TRAINED:
        return run_state_names[run->status == CNN_OK            ? RUN_STATE_FINISHED
                               : run->status == CNN_INTERRUPTED ? RUN_STATE_INTERRUPTED
                               : run->status == CNN_DIVERGED    ? RUN_STATE_DIVERGED
                                                                : RUN_STATE_FAILED];
    }
    return "";
}
