/* The model's text: as the command line changes it, and as an idea does. */
#include <stdlib.h>
#include <string.h>

#include "compiler/base/source.h"
#include "compiler/commands/report.h"
#include "compiler/commands/why.h"
#include "compiler/commands/why_edit.h"
#include "runtime/file.h"
#include "runtime/output.h"

/* ---- As the command line has it ---- */

static const char *text_of_file(const Model *model)
{
    Span source;
    size_t length;
    Diag *diag = diag_new(model->session->arena);
    if (!source_read(diag, (Span){0}, model->path, &source))
        return NULL;
    const char *text = diag_source(diag, source, &length);
    return arena_text(model->session->arena, text, length);
}

static const char *with_flag(const Model *model, const char *text, const char *statement, const char *value)
{
    EditPlace place = {"compile", statement, ""};
    return edit_set(model->session->arena, text, &place, value);
}

CnnStatus why_text(const Options *options, const Model *model, const char **text, Options *remaining)
{
    bool set = options->defines.count || options->sets.count || options->training.batch;
    *remaining = *options;
    *text = set ? model->checked->sources.items[0].text : text_of_file(model);
    if (!*text)
        return command_fail(CNN_BAD_INPUT, "'%s' cannot be read again", model->path);
    if (set && model->checked->sources.count > 1)
        return command_fail(CNN_BAD_USAGE,
                            "why: a model that imports files of its own takes no -D, --set or --batch here: "
                            "write the values into it");
    if (options->rewrite)
        *text = with_flag(model, *text, "rewrite", options->rewrite);
    if (options->training.threads)
        *text = with_flag(model, *text, "threads",
                          arena_printf(model->session->arena, "%d", options->training.threads));
    remaining->defines.count = remaining->sets.count = 0;
    remaining->training.batch = 0;
    remaining->training.threads = 0;
    remaining->rewrite = NULL;
    return CNN_OK;
}

/* ---- With ideas ---- */

typedef struct {
    const Options *options; /* of the command line, then those that remain */
    Options remaining;
    Arena *arena;
    const char *text;
    Text told;
} Application;

/* Adds the idea to the text, whose model this is. */
static CnnStatus apply_one(Application *application, const Model *model, const char *name)
{
    IdeaList ideas = why_ideas(application->arena, model, application->text);
    const Idea *idea = why_find(&ideas, "--apply", name);
    if (!idea)
        return CNN_BAD_USAGE;
    if (!idea->text)
        return command_fail(CNN_BAD_USAGE, "--apply: '%s' is no change of the model: call cnnc run with %s",
                            name, idea->change);
    application->text = idea->text;
    text_printf(&application->told, "  %-20s %s\n", idea->name, idea->change);
    return CNN_OK;
}

/* The name of a model that was changed so far; it is open then. */
static CnnStatus open_changed(const Application *application, const char *name, Model *model)
{
    CnnError error = {0};
    CnnStatus status = model_open_text(&application->remaining, application->text, model, &error);
    return status == CNN_OK
               ? CNN_OK
               : command_fail(status, "--apply: '%s' does not fit this model: %s", name, error.text);
}

static bool same_folder(const char *a, const char *b)
{
    char *folder[2];
    const char *paths[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        const char *slash = strrchr(paths[i], '/');
        char *name = slash ? strndup(paths[i], (size_t)(slash - paths[i]) + 1) : strdup(".");
        folder[i] = name ? realpath(name, NULL) : NULL;
        free(name);
    }
    bool same = folder[0] && folder[1] && strcmp(folder[0], folder[1]) == 0;
    free(folder[0]);
    free(folder[1]);
    return same;
}

/* In another folder the model names its data by their whole paths. */
static CnnStatus write_model(const Application *application, const Model *model, const char *output)
{
    CnnError error = {0};
    const char *text = application->text;
    CnnStatus status = cnn_output_check(&model->checked->recipe, output, OUTPUT_MODEL, &error);
    if (status == CNN_OK && !same_folder(output, model->path)) {
        if (model->checked->sources.count > 1)
            return command_fail(CNN_BAD_USAGE,
                                "-o: the model imports files that lie beside it: '%s' must be in its folder",
                                output);
        text = model->checked->sources.items[0].text;
    }
    if (status == CNN_OK)
        status = report_write(output, text, &error);
    return status == CNN_OK ? CNN_OK : command_fail(status, "-o: %s", error.text);
}

static CnnStatus apply_all(Application *application, const char *names, const char *output)
{
    Model model;
    TRY(model_open(application->options, &model));
    CnnStatus status = model.checked->data ? why_text(application->options, &model, &application->text,
                                                      &application->remaining)
                                           : model_lacks_data(&model, ": there is no epoch to make shorter");
    while (status == CNN_OK && *names) {
        size_t length = strcspn(names, ",");
        const char *name = arena_text(application->arena, names, length);
        application->text = arena_text(application->arena, application->text, strlen(application->text));
        status = apply_one(application, &model, name);
        model_close(&model);
        TRY(status);
        TRY(open_changed(application, name, &model));
        names += length + (names[length] == ',');
    }
    if (status == CNN_OK)
        status = write_model(application, &model, output);
    if (status == CNN_OK)
        printf("%s:\n%s", output, text_string(&application->told));
    model_close(&model);
    return status;
}

CnnStatus why_apply(const Options *options, const char *names, const char *output)
{
    Arena *arena = arena_new();
    Application application = {.options = options, .arena = arena, .told = {.arena = arena}};
    CnnStatus status = apply_all(&application, names, output);
    arena_free(arena);
    return status;
}
