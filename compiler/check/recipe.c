/* From the statements of data and train to the program's fields and the runtime's recipe. */
#include "compiler/check/recipe.h"

#include <inttypes.h>
#include <string.h>

#include "compiler/check/learnt.h"
#include "compiler/check/statements.h"
#include "runtime/data/balance.h"
#include "runtime/train_args.h"

/* ---- data ---- */

/* The place of the statement of `where`, and what was said of it; all of `text` at the section, if it names
 * none. */
static Span blame(const Checker *checker, const SectionEntries *entries, const char **text)
{
    for (size_t i = 0; i < entries->count; i++) {
        const char *where = diag_where(checker->diag, entries->items[i].span);
        size_t length = strlen(where);
        if (strncmp(*text, where, length) == 0 && strncmp(*text + length, ": ", 2) == 0) {
            *text += length + 2;
            return entries->items[i].span;
        }
    }
    return checker->data_span;
}

static void warn_of_doubts(Checker *checker, const SectionEntries *entries)
{
    char text[400];
    Span span = checker->data_span;
    for (size_t i = 0; i < entries->count; i++)
        if (source_kind_of(entries->items[i].schema))
            span = entries->items[i].span;
    for (int i = 0; cnn_data_doubt(checker->program->data, i, text, sizeof text); i++)
        check_warning(checker, span, "odd-data", "%s", text);
}

static bool names_source(const SectionEntries *entries)
{
    for (size_t i = 0; i < entries->count; i++)
        if (source_kind_of(entries->items[i].schema))
            return true;
    return false;
}

void recipe_read_data(Checker *checker)
{
    Program *program = checker->program;
    const AstLine *section = checker->sections[SECTION_DATA];
    int errors = diag_errors(checker->diag);
    SectionEntries entries = section_read(checker, SECTION_DATA);
    program->recipe.data = section_statements(checker, &entries);
    program->recipe.weights = checker->options->weights;
    checker->data_span = entries.count ? entries.items[0].span : section ? section->span : (Span){0};
    if (!section && entries.count == 0) {
        checker->data_state = DATA_ABSENT;
    } else if (diag_errors(checker->diag) > errors) {
        checker->data_state = DATA_FAILED;
    } else if (checker->options->without_data) {
        checker->data_state = DATA_NOT_READ;
    } else if (!checker->options->loose && !names_source(&entries)) {
        checker->data_state = DATA_ABSENT; /* the stages wait for files to predict */
        program->sourceless = true;
    } else {
        CnnError error = {0};
        const LooseRequest *loose = checker->options->loose;
        checker->data_state = DATA_OPEN;
        CnnStatus status = loose ? cnn_data_open_loose(&program->recipe, loose, &program->data, &error)
                                 : cnn_data_open(&program->recipe, &program->data, &error);
        if (status != CNN_OK) {
            const char *text = error.text;
            Span span = blame(checker, &entries, &text);
            if (loose && text == error.text)
                span = (Span){0}; /* the files are to blame, not the model */
            checker->data_state = DATA_FAILED;
            check_error(checker, span, "data", NULL, "%s", text);
        } else {
            warn_of_doubts(checker, &entries);
        }
    }
}

/* ---- train ---- */

/* A statement whose first word chooses the schema of its other arguments. */
typedef struct {
    const char *statement;        /* "loss" */
    const Schema *const *schemas; /* NULL-terminated, the preset first */
} Choice;

static const Schema *choose(Checker *checker, const Choice *choice, const SectionEntry *entry,
                            const AstArg **rest)
{
    *rest = entry ? entry->args : NULL;
    const AstArg *first = *rest;
    if (!first || first->name)
        return choice->schemas[0];
    *rest = first->next;
    VEC(const char *) names = {0};
    for (const Schema *const *schema = choice->schemas; *schema; schema++) {
        if (first->value->kind == AST_NAME && strcmp((*schema)->word, first->value->text) == 0)
            return *schema;
        *vec_push(checker->arena, &names) = (*schema)->word;
    }
    *vec_push(checker->arena, &names) = NULL;
    Text list = {.arena = checker->arena};
    for (int i = 0; names.items[i]; i++)
        text_printf(&list, "%s%s", i ? ", " : "", names.items[i]);
    Value value = eval(checker, entry->scope, first->value);
    const char *hint = value.kind == VALUE_WORD ? check_suggestion(checker, value.text, names.items) : NULL;
    if (value.kind != VALUE_POISON)
        check_error(checker, first->value->span,
                    entry->schema == &loss_statement ? "unknown-loss" : "unknown-optimizer", hint,
                    "there is no %s %s; there are %s", choice->statement, value_text(checker->arena, &value),
                    text_string(&list));
    return NULL;
}

/* Binds the chosen schema; false after an error. */
static bool bind_choice(Checker *checker, const Choice *choice, const SectionEntry *entry, Bound *bound)
{
    const AstArg *rest;
    const Schema *schema = choose(checker, choice, entry, &rest);
    if (!schema)
        return false;
    if (schema->planned) {
        check_error(checker, entry->span, "planned", NULL, "%s", schema->planned);
        return false;
    }
    const char *shown = arena_printf(checker->arena, "%s %s", choice->statement, schema->word);
    Span span = entry ? entry->span : (Span){0};
    return schema_bind(checker, entry ? entry->scope : NULL, schema, shown, span, rest, false, bound);
}

/* The loss of smoothed labels ends far above zero. */
static void set_smoothing_off(const Bound *bound)
{
    for (const Field *field = bound->schema->fields; field->name; field++)
        if (strcmp(field->name, "smoothing") == 0)
            *(double *)((char *)bound->args + field->offset) = 0;
}

static void read_loss(Checker *checker, const SectionEntries *entries)
{
    VEC(const Schema *) schemas = {0};
    for (const Loss *const *loss = loss_table; *loss; loss++)
        *vec_push(checker->arena, &schemas) = &(*loss)->schema;
    *vec_push(checker->arena, &schemas) = NULL;
    const SectionEntry *entry = section_find(entries, &loss_statement);
    Bound bound;
    if (!bind_choice(checker, &(Choice){"loss", schemas.items}, entry, &bound))
        return;
    Program *program = checker->program;
    for (const Loss *const *loss = loss_table; *loss; loss++)
        if (bound.schema == &(*loss)->schema)
            program->loss = *loss;
    if (checker->options->by_heart)
        set_smoothing_off(&bound);
    program->loss_args = bound.args;
    program->loss_span = entry ? entry->span : checker->sections[SECTION_MODEL]->name_span;
}

static void read_optimizer(Checker *checker, const SectionEntries *entries)
{
    const char *preset = "adam";
    VEC(const Schema *) schemas = {0};
    for (int pass = 0; pass < 2; pass++)
        for (const Optimizer *const *optimizer = optimizer_table; *optimizer; optimizer++)
            if ((strcmp((*optimizer)->schema.word, preset) == 0) == (pass == 0))
                *vec_push(checker->arena, &schemas) = &(*optimizer)->schema;
    *vec_push(checker->arena, &schemas) = NULL;
    const SectionEntry *entry = section_find(entries, &optimizer_statement);
    Bound bound;
    if (!bind_choice(checker, &(Choice){"optimizer", schemas.items}, entry, &bound))
        return;
    Program *program = checker->program;
    for (const Optimizer *const *optimizer = optimizer_table; *optimizer; optimizer++)
        if (bound.schema == &(*optimizer)->schema)
            program->optimizer = *optimizer;
    program->optimizer_args = bound.args;
    program->recipe.rate = program->optimizer->rate(bound.args);
}

/* Where an argument stands; nowhere, if it does not. */
static Span argument_span(const SectionEntry *entry, const char *name)
{
    const Field *fields = entry ? entry->schema->fields : NULL;
    for (int i = 0; fields && fields[i].name; i++)
        if (entry->good && strcmp(fields[i].name, name) == 0)
            return entry->bound.spans[i];
    return (Span){0};
}

static void read_metrics(Checker *checker, const SectionEntry *written)
{
    Program *program = checker->program;
    const CnnStatement *statement = recipe_find(program->recipe.train, &metrics_schema);
    if (!statement || !written)
        return;
    Names names = ((const MetricsArgs *)statement->args)->names;
    for (int i = 0; i < names.count; i++)
        for (int k = 0; k < i; k++)
            if (strcmp(names.value[i], names.value[k]) == 0)
                check_error(checker, written->span, "duplicate-argument", NULL,
                            "'%s' of 'metrics' is given twice", names.value[i]);
    if (names.count >= METRICS_MAX)
        check_error(checker, written->span, "too-many-arguments", NULL, "'metrics' takes at most %d names",
                    METRICS_MAX - 1);
    program->metrics = names;
    program->metrics_span = written->span;
}

/* Statistics over all micro-batches of an update want what the layers before have made of all of them, which
 * wants the statistics of those layers: only as one batch are they had at once. */
static void join_batches(Checker *checker, const SectionEntry *written)
{
    BatchArgs *batch = written && written->good ? written->bound.args : NULL;
    if (!batch || !batch->exact || batch->accumulate == 1)
        return;
    if (batch->size * batch->accumulate > BATCH_MOST) {
        check_error(checker, written->span, "out-of-range", NULL,
                    "with 'exact', %" PRId64 " batches of %" PRId64 " are one: at most %d samples",
                    batch->accumulate, batch->size, BATCH_MOST);
        return;
    }
    batch->size *= batch->accumulate;
    batch->accumulate = 1;
    checker->program->joined = true;
}

/* What the compiler itself must know of the statements that are the runtime's. */
static void read_compiled(Checker *checker, const SectionEntries *entries)
{
    Program *program = checker->program;
    union {
        BatchArgs batch;
        PrecisionArgs precision;
        ClipArgs clip;
        NanArgs nan;
    } defaults;
    const SectionEntry *written = section_find(entries, &batch_schema);
    join_batches(checker, written);
    const BatchArgs *batch = recipe_args(program->recipe.train, &batch_schema, &defaults);
    program->batch = batch->size;
    program->accumulate = batch->accumulate;
    checker->batch_span = written ? written->span : checker->sections[SECTION_MODEL]->name_span;
    const PrecisionArgs *precision = recipe_args(program->recipe.train, &precision_schema, &defaults);
    program->precision = (Precision)precision->type;
    const ClipArgs *clip = recipe_args(program->recipe.train, &clip_schema, &defaults);
    program->clip_norm = clip->norm;
    program->clip_value = clip->value;
    const CnnStatement *time = recipe_find(program->recipe.train, &time_schema);
    if (time && ((const TimeArgs *)time->args)->limit.unit != UNIT_SECONDS)
        check_error(checker, section_find(entries, &time_schema)->span, "wrong-unit", NULL,
                    "'time' takes seconds, min or h: there are 'epochs' and 'steps' besides");
    const CnnStatement *average = recipe_find(program->recipe.train, &average_schema);
    program->average = average ? ((const AverageArgs *)average->args)->ema : 0;
    written = section_find(entries, &schedule_schema);
    checker->schedule_span = written ? written->span : (Span){0};
    written = section_find(entries, &start_schema);
    checker->freeze_span = argument_span(written, "freeze");
    checker->new_span = argument_span(written, "new");
    written = section_find(entries, &rates_schema);
    checker->rates_span = written ? written->span : (Span){0};
    written = section_find(entries, &clip_schema);
    if (written && written->good && clip->norm == 0 && clip->value == 0)
        check_error(checker, written->span, "missing-argument", NULL, "'clip' needs 'norm' or 'value'");
    const NanArgs *nan = recipe_args(program->recipe.train, &nan_schema, &defaults);
    program->guarded = nan->action != NAN_STOP;
    read_metrics(checker, section_find(entries, &metrics_schema));
}

static void add_count(Checker *checker, const Schema *schema, const char *flag, int64_t count,
                      CnnStatement *out)
{
    CountArgs *args = NEW(checker->arena, CountArgs);
    args->count = count;
    *out = (CnnStatement){.schema = schema, .args = args, .where = flag};
}

/* --epochs, --steps and --seed in place of the statements. */
static void set_from_flags(Checker *checker, CnnStatements *train)
{
    enum { ADDED = 3 };
    const CheckOptions *options = checker->options;
    bool length = options->epochs || options->steps;
    if (!length && !options->seed_given)
        return;
    CnnStatement *items = NEW_ARRAY(checker->arena, CnnStatement, train->count + ADDED);
    int count = 0;
    for (int i = 0; i < train->count; i++) {
        const Schema *schema = train->items[i].schema;
        if (!(length && (schema == &epochs_schema || schema == &steps_schema)) &&
            !(options->seed_given && schema == &seed_schema))
            items[count++] = train->items[i];
    }
    if (options->epochs)
        add_count(checker, &epochs_schema, "--epochs", options->epochs, &items[count++]);
    if (options->steps)
        add_count(checker, &steps_schema, "--steps", options->steps, &items[count++]);
    if (options->seed_given) {
        SeedArgs *seed = NEW(checker->arena, SeedArgs);
        seed->value = options->seed;
        items[count++] = (CnnStatement){.schema = &seed_schema, .args = seed, .where = "--seed"};
    }
    *train = (CnnStatements){count, items};
}

void recipe_read_train(Checker *checker)
{
    SectionEntries entries = section_read(checker, SECTION_TRAIN);
    checker->program->recipe.train = section_statements(checker, &entries);
    set_from_flags(checker, &checker->program->recipe.train);
    read_loss(checker, &entries);
    read_optimizer(checker, &entries);
    read_compiled(checker, &entries);
}

void recipe_read_compile(Checker *checker)
{
    SectionEntries entries = section_read(checker, SECTION_COMPILE);
    checker->program->compile = section_statements(checker, &entries);
}

/* ---- Both ---- */

/* samples / (classes * samples of the class); 0 for a class without samples. */
static void balance(Checker *checker, float *weights, int64_t classes)
{
    const CnnData *data = checker->program->data;
    double samples = (double)cnn_data_count(data, PART_TRAIN);
    for (int64_t i = 0; i < classes; i++) {
        int64_t count = cnn_data_class_count(data, PART_TRAIN, i);
        weights[i] = count ? (float)(samples / ((double)classes * (double)count)) : 0;
    }
}

/* Whether `balance` leaves it to the loss to even the classes out, which is not to be done twice. */
static bool read_balance(Checker *checker, const Reals *given)
{
    const CnnStatement *statement = recipe_find(checker->program->recipe.data, &balance_schema);
    if (!statement)
        return false;
    bool weights = ((const BalanceArgs *)statement->args)->way == BALANCE_WEIGHTS;
    if (weights && !given)
        check_error(checker, checker->program->loss_span, "class-weights", NULL,
                    "'balance weights' weighs the loss, and loss %s takes no weights: oversample and "
                    "undersample go with any loss",
                    checker->program->loss->schema.word);
    else if (given && (given->count < 0 || (weights && given->value)))
        check_error(checker, checker->program->loss_span, "class-weights", NULL,
                    "the data say 'balance', and the loss has weights of its own: leave one of them out");
    return weights;
}

static void read_class_weights(Checker *checker, const Graph *graph)
{
    Program *program = checker->program;
    const Field *field = program->loss->schema.fields;
    while (field->name && strcmp(field->name, "weights") != 0)
        field++;
    const Reals *given =
        field->name ? (const Reals *)((const char *)program->loss_args + field->offset) : NULL;
    bool weighs = read_balance(checker, given);
    if (!given)
        return;
    bool balanced = weighs || given->count < 0;
    if ((!balanced && !given->value) || (balanced && checker->data_state != DATA_OPEN))
        return;
    int64_t outputs = graph_type(graph, graph_find_result(graph, RESULT_OUTPUT))->dim[1];
    int64_t classes = outputs == 1 ? 2 : outputs;
    float *weights = NEW_ARRAY(checker->arena, float, classes);
    double sum = 0;
    if (balanced)
        balance(checker, weights, classes);
    else if (given->count != classes)
        check_error(checker, program->loss_span, "class-weights", NULL,
                    "'weights' has %d numbers, but there are %" PRId64 " classes", given->count, classes);
    for (int i = 0; !balanced && given->count == classes && i < given->count; i++)
        sum += weights[i] = (float)given->value[i];
    if (!balanced && given->count == classes && sum == 0)
        check_error(checker, program->loss_span, "class-weights", NULL,
                    "all weights are 0: nothing would be learnt");
    program->class_weights = weights;
}

/* A batch that the training part cannot fill. */
static void check_batch(Checker *checker)
{
    const Program *program = checker->program;
    if (checker->data_state != DATA_OPEN || checker->options->loose)
        return;
    BatchArgs defaults;
    const BatchArgs *batch = recipe_args(program->recipe.train, &batch_schema, &defaults);
    int64_t samples = cnn_data_epoch_count(program->data, PART_TRAIN);
    if (samples >= batch->size)
        return;
    Span span = checker->batch_span;
    if (batch->last == LAST_DROP)
        check_error(checker, span, "batch-larger", NULL,
                    "a batch of %" PRId64 " cannot be filled by %" PRId64
                    " training samples, and last=drop leaves the rest out",
                    batch->size, samples);
    else
        check_warning(checker, span, "batch-larger",
                      "a batch of %" PRId64 " is more than the %" PRId64
                      " training samples: each batch has %" PRId64,
                      batch->size, samples, samples);
}

/* Said at the end only: a file with mistakes is not finished. */
static void warn_of_missing(Checker *checker)
{
    Span model = checker->sections[SECTION_MODEL]->name_span;
    if (checker->program->sourceless)
        check_warning(
            checker, checker->data_span, "missing-data",
            "'data' names no source, such as: folder \"data/plants\"; the network can be checked and can "
            "predict, but it cannot be trained");
    else if (checker->data_state == DATA_ABSENT)
        check_warning(checker, model, "missing-data",
                      "there is no 'data' section: the network can be checked, but not trained");
    if (!checker->sections[SECTION_TRAIN])
        check_warning(checker, model, "missing-train",
                      "there is no 'train' section: cross_entropy, adam, batch 32 and 1 epoch are taken");
}

/* Epochs that the stages of the schedule take together; those in other units are left out. */
static double schedule_epochs(CnnStatements stages)
{
    double epochs = 0;
    for (int i = 0; i < stages.count; i++)
        for (const Field *field = stages.items[i].schema->fields; field->name; field++) {
            const Duration *over = (const Duration *)((const char *)stages.items[i].args + field->offset);
            if (field->kind == FIELD_DURATION && strcmp(field->name, "over") == 0 &&
                over->unit == UNIT_EPOCHS)
                epochs += over->value;
        }
    return epochs;
}

static void check_schedule(Checker *checker)
{
    CnnStatements train = checker->program->recipe.train;
    const CnnStatement *schedule = recipe_find(train, &schedule_schema);
    bool open = recipe_find(train, &time_schema) && !recipe_find(train, &epochs_schema);
    if (!schedule || open || recipe_find(train, &steps_schema))
        return;
    CountArgs defaults;
    double epochs = (double)((const CountArgs *)recipe_args(train, &epochs_schema, &defaults))->count;
    double planned = schedule_epochs(schedule->body);
    if (planned > epochs)
        check_warning(checker, checker->schedule_span, "schedule-longer",
                      "the schedule takes %g epochs, but the training has %g: its end is never reached",
                      planned, epochs);
}

void recipe_finish(Checker *checker, const Graph *graph)
{
    warn_of_missing(checker);
    read_class_weights(checker, graph);
    check_batch(checker);
    check_schedule(checker);
    learnt_check(checker, graph);
}
