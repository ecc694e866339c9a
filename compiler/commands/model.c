/* Opens models for the commands. */
#include "compiler/commands/model.h"

#include <string.h>

#include "compiler/base/bug.h"
#include "compiler/check/compile_args.h"
#include "compiler/commands/layers.h"
#include "compiler/commands/model_device.h"

/* Turns on what is called so; false: there is none of that name. */
typedef bool AddName(void *options, const char *name, size_t length);

static bool is_name(const char *known, const char *name, size_t length)
{
    return strncmp(known, name, length) == 0 && known[length] == '\0';
}

static void fusions_none(FusionOptions *fusions)
{
    for (int i = 0; i < FUSION_COUNT; i++)
        fusions->off[i] = true;
}

/* `all` turns all on, `none` all off. */
static bool fusions_add(void *options, const char *name, size_t length)
{
    FusionOptions *fusions = options;
    if (is_name("none", name, length)) {
        fusions_none(fusions);
        return true;
    }
    bool all = is_name("all", name, length), found = all;
    for (int i = 0; i < FUSION_COUNT; i++) {
        if (all || is_name(fusion_table[i].name, name, length)) {
            fusions->off[i] = false;
            found = true;
        }
    }
    return found;
}

/* `none` turns all off. */
static bool rewrites_add(void *options, const char *name, size_t length)
{
    RewriteOptions *rewrites = options;
    if (is_name("none", name, length)) {
        *rewrites = (RewriteOptions){0};
        return true;
    }
    for (int i = 0; i < REWRITE_COUNT; i++) {
        if (is_name(rewrite_table[i].name, name, length)) {
            rewrites->on[i] = true;
            return true;
        }
    }
    return false;
}

/* The value of a flag --KIND NAME,…. */
static CnnStatus add_names(const char *kind, const char *names, AddName *add, void *options)
{
    while (*names) {
        size_t length = strcspn(names, ",");
        if (!add(options, names, length))
            return command_fail(CNN_BAD_USAGE, "--%s: there is no %s '%.*s'; `cnnc passes` lists them", kind,
                                strcmp(kind, "fuse") == 0 ? "fusion" : kind, (int)length, names);
        names += length + (names[length] == ',');
    }
    return CNN_OK;
}

static CnnStatus fusions_only(const char *names, FusionOptions *fusions)
{
    fusions_none(fusions);
    return add_names("fuse", names, fusions_add, fusions);
}

/* `fuse all`, `fuse none`, `fuse NAME, …` of the model's `compile`. */
static CnnStatus fusions_written(const CnnStatement *statement, FusionOptions *fusions)
{
    const Names *names = &((const FuseArgs *)statement->args)->names;
    if (names->count == 0)
        return CNN_OK;
    fusions_none(fusions);
    for (int i = 0; i < names->count; i++)
        if (!fusions_add(fusions, names->value[i], strlen(names->value[i])))
            return command_fail(CNN_BAD_INPUT, "%s: there is no fusion '%s'; `cnnc passes` lists them",
                                statement->where, names->value[i]);
    return CNN_OK;
}

/* The model's `compile` first, then the command line, which has the last word. */
static CnnStatus set_fusions(const Options *options, const Program *program, FusionOptions *fusions)
{
    const CnnStatement *written = recipe_find(program->compile, &fuse_schema);
    *fusions = (FusionOptions){0};
    if (options->fuse)
        TRY(fusions_only(options->fuse, fusions));
    else if (written)
        TRY(fusions_written(written, fusions));
    for (int i = 0; i < FUSION_COUNT; i++)
        if (options->no_fuse || options->fusion_off[i])
            fusions->off[i] = true;
    return CNN_OK;
}

static CnnStatus set_rewrites(const Options *options, const Program *program, RewriteOptions *rewrites)
{
    const CnnStatement *written = recipe_find(program->compile, &rewrite_schema);
    *rewrites = (RewriteOptions){0};
    if (options->rewrite)
        return add_names("rewrite", options->rewrite, rewrites_add, rewrites);
    const Names *names = written ? &((const RewriteArgs *)written->args)->names : NULL;
    for (int i = 0; names && i < names->count; i++)
        rewrites_add(rewrites, names->value[i], strlen(names->value[i]));
    return CNN_OK;
}

void model_rewrite(Model *model)
{
    model->program = rewrite_program(model->checked, &model->rewrites, model->places);
}

const char *model_rewrites_text(const Model *model)
{
    Text text = {.arena = model->session->arena};
    for (int i = 0; i < REWRITE_COUNT; i++) {
        const RewritePlaces *places = &model->places[i];
        if (!model->rewrites.on[i])
            continue;
        text_printf(&text, "rewrite %s: ", rewrite_table[i].name);
        for (size_t k = 0; k < places->count; k++)
            text_printf(&text, "%s%s", k ? "; " : "", places->items[k]);
        text_printf(&text, places->count ? "\n" : "nothing in this model fits it\n");
    }
    return text_string(&text);
}

static int choose_threads(const Options *options, const Program *program)
{
    const CnnStatement *written = recipe_find(program->compile, &threads_schema);
    if (options->training.threads)
        return options->training.threads;
    if (options->evaluation.threads)
        return options->evaluation.threads;
    if (options->prediction.threads)
        return options->prediction.threads;
    return written ? (int)((const ThreadsArgs *)written->args)->count : 0;
}

/* The command line's CPU, of which `check_cpu` knows that it exists, or the model's. */
static CnnStatus set_cpu(const Options *options, const Program *program, Session *session)
{
    const CnnStatement *written = recipe_find(program->compile, &cpu_schema);
    const char *complaint, *name = options->cpu;
    if (!name && written)
        name = ((const CpuArgs *)written->args)->name;
    const CpuTarget *target = name ? cpu_target(session->arena, name, &complaint) : session->target;
    if (!target)
        return command_fail(CNN_BAD_INPUT, "%s: %s", written->where, complaint);
    session->target = target;
    return CNN_OK;
}

static CnnStatus check_cpu(const Options *options)
{
    const char *complaint;
    if (!options->cpu || cpu_target(options->arena, options->cpu, &complaint))
        return CNN_OK;
    return command_fail(CNN_BAD_USAGE, "--cpu: %s", complaint);
}

static CnnStatus set_machine(const Options *options, const Program *program, Session *session)
{
    const CnnStatement *tune = recipe_find(program->compile, &tune_schema);
    const CnnStatement *exact = recipe_find(program->compile, &exact_schema);
    session->threads = choose_threads(options, program);
    session->exact = options->exact || (exact && ((const ExactArgs *)exact->args)->on);
    session->tune = tune ? (TuneMode)((const TuneArgs *)tune->args)->mode : TUNE_AUTO;
    TRY(set_cpu(options, program, session));
    return model_device_set(options, program, session);
}

/* -D or --set is not of its form. */
static bool is_misused(const Diag *diag)
{
    const char *slug;
    for (int i = 0; (slug = diag_slug(diag, i)) != NULL; i++)
        if (strcmp(slug, "bad-setting") == 0)
            return true;
    return false;
}

CnnStatus model_report(const Model *model)
{
    const Diag *diag = model->session->diag;
    bool misused = is_misused(diag);
    fflush(stdout);
    diag_print(model->session->diag, model->messages);
    return misused ? CNN_BAD_USAGE : diag_errors(diag) ? CNN_BAD_INPUT : CNN_OK;
}

/* What the command line says that can be judged without the model. */
static CnnStatus check_options(const Options *options)
{
    FusionOptions fusions;
    RewriteOptions rewrites;
    if (options->fuse && options->no_fuse)
        return command_fail(CNN_BAD_USAGE, "--fuse and --no-fuse contradict each other");
    if (options->fuse)
        TRY(fusions_only(options->fuse, &fusions));
    if (options->rewrite)
        TRY(add_names("rewrite", options->rewrite, rewrites_add, &rewrites));
    TRY(check_cpu(options));
    return model_device_check(options);
}

static Session *open_session(const Options *options)
{
    Session *session = session_open();
    session->check =
        (CheckOptions){.defines = options->defines.value,
                       .define_count = options->defines.count,
                       .sets = options->sets.value,
                       .set_count = options->sets.count,
                       .batch = options->training.batch ? options->training.batch : options->prediction.batch,
                       .epochs = options->training.epochs,
                       .steps = options->training.steps,
                       .seed = (int64_t)options->training.seed,
                       .seed_given = options->training.seed_given,
                       .by_heart = options->overfit > 0,
                       .weights = options->evaluation.weights,
                       .loose = options->loose};
    session->no_cache = options->no_cache;
    return session;
}

/* What follows the check. */
static CnnStatus settle(const Options *options, Model *model)
{
    Session *session = model->session;
    TRY(set_fusions(options, model->checked, &session->fusions));
    TRY(set_rewrites(options, model->checked, &model->rewrites));
    TRY(set_machine(options, model->checked, session));
    model_rewrite(model);
    return CNN_OK;
}

CnnStatus model_open(const Options *options, Model *model)
{
    TRY(check_options(options));
    Session *session = open_session(options);
    *model = (Model){.session = session,
                     .path = options->words[0],
                     .messages = options->messages ? options->messages : stderr};
    model->checked = driver_check(session, model->path);
    bool known = options->repeated && model->checked;
    CnnStatus status = known ? CNN_OK : model_report(model);
    if (status == CNN_OK && !model->checked)
        BUG("the check of %s failed without a message", model->path);
    if (status == CNN_OK)
        status = settle(options, model);
    if (status != CNN_OK)
        model_close(model);
    return status;
}

CnnStatus model_open_text(const Options *options, const char *text, Model *model, CnnError *error)
{
    Session *session = open_session(options);
    *model = (Model){.session = session, .path = options->words[0], .messages = stderr};
    model->checked = driver_check_text(session, model->path, text);
    CnnStatus status = model->checked ? settle(options, model)
                                      : cnn_fail(error, CNN_BAD_INPUT, "%s", diag_first_error(session->diag));
    if (status != CNN_OK)
        model_close(model);
    return status;
}

void model_close(Model *model)
{
    session_close(model->session);
    model->session = NULL;
    model->checked = model->program = NULL;
}

CnnStatus model_runs_here(const Model *model)
{
    CnnError error = {0};
    CnnStatus status = cpu_runs_here(model->session->target, &error);
    return status == CNN_OK ? CNN_OK : command_fail(status, "%s", error.text);
}

CnnStatus model_compile(Model *model, bool load, Linked *linked)
{
    const char *complaint;
    if (load)
        TRY(model_runs_here(model));
    if (!driver_link(model->session, model->program, NULL, load, linked, &complaint)) {
        driver_unlink(linked);
        CnnStatus status = model_report(model);
        return complaint ? command_fail(CNN_NO_RESOURCE, "%s", complaint) : status;
    }
    if (linked->cache_complaint)
        fprintf(stderr, "cnnc: note: compiled kernels are not kept: %s\n", linked->cache_complaint);
    linked->image->summary = model->session->purpose == PURPOSE_TRAINING
                                 ? layers_table(model->session, model->program, linked->train)
                                 : "";
    return CNN_OK;
}

CnnStatus model_lacks_data(const Model *model, const char *so)
{
    if (model->program->sourceless)
        return command_fail(CNN_BAD_INPUT,
                            "the 'data' section of %s names no source, such as: folder \"data/plants\"%s",
                            model->path, so);
    return command_fail(CNN_BAD_INPUT, "%s has no 'data' section%s", model->path, so);
}

CnnStatus model_link(Model *model, bool load, Linked *linked)
{
    *linked = (Linked){0};
    if (!model->program->data)
        return model_lacks_data(model, ": there is nothing to train on");
    return model_compile(model, load, linked);
}
