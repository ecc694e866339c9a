/* The statements of the language, collected from their tables; what is said where one cannot stand. */
#include "compiler/check/statements.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/check/compile_args.h"
#include "runtime/training.h"

static const Field input_fields[] = {
    FIELD(InputArgs, shape, FIELD_DIMS, .least = 1, .most = 1 << 24,
          .doc = "height x width x channels of a sample; data.shape takes what the data gives"),
    FIELDS_END,
};
const Schema input_statement = {
    .word = "input",
    .doc = "What the network is given. A model begins with it.",
    .places = IN_MODEL,
    .fields = input_fields,
    .args_bytes = sizeof(InputArgs),
    .example = "input 28x28x1",
};

static const Field from_fields[] = {
    FIELD(FromArgs, value, FIELD_VALUES, .doc = "the named value, or `in`: what entered the block or body"),
    FIELDS_END,
};
const Schema from_statement = {
    .word = "from",
    .doc = "Goes on from a named value.",
    .places = IN_MODEL,
    .fields = from_fields,
    .args_bytes = sizeof(FromArgs),
    .example = "from stem -> conv 128, 1x1",
};

const Schema *const model_schemas[] = {&input_statement, &from_statement, NULL};

static const Field no_fields[] = {FIELDS_END};
const Schema loss_statement = {
    .word = "loss",
    .doc = "What the training makes small. The word after it says which loss; the rest are that one's "
           "parameters.",
    .places = IN_TRAIN,
    .fields = no_fields,
    .example = "loss cross_entropy, smoothing=10%",
};
const Schema optimizer_statement = {
    .word = "optimizer",
    .doc = "How the weights follow the gradient. The word after it says which optimizer; the rest are that "
           "one's parameters.",
    .places = IN_TRAIN,
    .fields = no_fields,
    .example = "optimizer adam, rate=0.001",
};

/* Statements of one word, in different places. */
typedef struct Entry {
    const Schema *schema;
    const Layer *layer; /* NULL: none */
    struct Entry *next;
} Entry;

static void add_schema(Checker *checker, const Schema *schema, const Layer *layer)
{
    Entry *entry = NEW(checker->arena, Entry);
    *entry = (Entry){.schema = schema, .layer = layer};
    Entry *first = name_map_find(&checker->statements, schema->word);
    if (!first) {
        name_map_add(checker->arena, &checker->statements, schema->word, entry);
        return;
    }
    entry->next = first->next;
    first->next = entry;
}

static void collect(Checker *checker)
{
    const Schema *const *tables[] = {model_schemas, data_schemas, train_schemas, compile_schemas};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const Schema *const *schema = tables[t]; *schema; schema++)
            add_schema(checker, *schema, NULL);
    add_schema(checker, &loss_statement, NULL);
    add_schema(checker, &optimizer_statement, NULL);
    for (const Layer *const *layer = layer_table; *layer; layer++)
        add_schema(checker, &(*layer)->schema, *layer);
}

static const Entry *find_entries(Checker *checker, const char *word)
{
    if (checker->statements.count == 0)
        collect(checker);
    return name_map_find(&checker->statements, word);
}

const char *place_text(unsigned places)
{
    return places & IN_MODEL      ? "a model"
           : places & IN_JOIN     ? "the body of 'concat', 'add' or 'mul'"
           : places & IN_DATA     ? "'data'"
           : places & IN_AUGMENT  ? "'augment', in 'data'"
           : places & IN_SOURCE   ? "a source with a body, in 'data'"
           : places & IN_TRAIN    ? "'train'"
           : places & IN_SCHEDULE ? "'schedule', in 'train'"
           : places & IN_RATES    ? "'rates', in 'train'"
                                  : "'compile'";
}

/* All that may stand in a place, as names; NULL-terminated. */
static const char *const *names_of_place(Checker *checker, SchemaPlace place, const Module *module,
                                         size_t *count)
{
    VEC(const char *) names = {0};
    for (size_t i = 0; i < checker->statements.capacity; i++)
        for (const Entry *entry = checker->statements.entries[i].value; entry; entry = entry->next)
            if (entry->schema->places & place && !entry->schema->planned)
                *vec_push(checker->arena, &names) = entry->schema->word;
    for (size_t i = 0; module && i < module->blocks.capacity; i++)
        if (module->blocks.entries[i].name)
            *vec_push(checker->arena, &names) = module->blocks.entries[i].name;
    *count = names.count;
    *vec_push(checker->arena, &names) = NULL;
    return names.items;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* A loss or an optimizer without the word before it. */
static const char *missing_word(const char *word)
{
    for (const Optimizer *const *optimizer = optimizer_table; *optimizer; optimizer++)
        if (strcmp((*optimizer)->schema.word, word) == 0)
            return "optimizer";
    for (const Loss *const *loss = loss_table; *loss; loss++)
        if (strcmp((*loss)->schema.word, word) == 0)
            return "loss";
    return NULL;
}

enum { LISTED_MOST = 24 };

static void report_unknown(Checker *checker, SchemaPlace place, const char *word, Span span,
                           const Module *module)
{
    const char *before = place == IN_TRAIN ? missing_word(word) : NULL;
    size_t count;
    const char *const *names = names_of_place(checker, place, module, &count);
    const char *hint = before ? arena_printf(checker->arena, "write '%s %s'", before, word)
                              : check_suggestion(checker, word, names);
    check_error(checker, span, "unknown-statement", hint, "there is no statement '%s' in %s", word,
                place_text(place));
    if (hint)
        return;
    if (count > LISTED_MOST) {
        diag_note(checker->diag, (Span){0}, "cnnc help lists all layers");
        return;
    }
    const char **sorted = arena_copy(checker->arena, names, count * sizeof *names);
    qsort(sorted, count, sizeof *sorted, compare_names);
    Text list = {.arena = checker->arena};
    for (size_t i = 0; i < count; i++)
        text_printf(&list, "%s%s", i ? ", " : "", sorted[i]);
    diag_note(checker->diag, (Span){0}, "what can stand there: %s", text_string(&list));
}

const Schema *statement_find(Checker *checker, SchemaPlace place, const char *word, Span span,
                             const Module *module)
{
    const Entry *entries = find_entries(checker, word);
    unsigned places = 0;
    for (const Entry *entry = entries; entry; entry = entry->next) {
        places |= entry->schema->places;
        if (!(entry->schema->places & place))
            continue;
        if (!entry->schema->planned)
            return entry->schema;
        check_error(checker, span, "planned", NULL, "%s", entry->schema->planned);
        return NULL;
    }
    if (places)
        check_error(checker, span, "wrong-place", NULL, "'%s' cannot stand in %s: it belongs in %s", word,
                    place_text(place), place_text(places));
    else
        report_unknown(checker, place, word, span, module);
    return NULL;
}

bool statement_is_reserved(Checker *checker, const char *word)
{
    for (const Entry *entry = find_entries(checker, word); entry; entry = entry->next)
        if (entry->schema->places & (IN_MODEL | IN_JOIN))
            return true;
    return false;
}

const Layer *statement_layer(Checker *checker, const Schema *schema)
{
    for (const Entry *entry = find_entries(checker, schema->word); entry; entry = entry->next)
        if (entry->schema == schema)
            return entry->layer;
    return NULL;
}

bool statement_check_body(Checker *checker, const Schema *schema, const AstStage *stage)
{
    if (stage->body && !schema->body) {
        check_error(checker, stage->body->span, "unexpected-body", NULL, "'%s' takes no statements in { }",
                    schema->word);
        return false;
    }
    return true;
}
