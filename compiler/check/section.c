/* From the body of a section to its statements. */
#include "compiler/check/section.h"

#include "compiler/check/lines.h"
#include "compiler/check/settings.h"
#include "compiler/check/statements.h"

typedef struct {
    Walk walk; /* first: the callback gets it */
    SectionKind kind;
    SchemaPlace place;
    SectionEntries *entries;
} SectionWalk;

static const SchemaPlace places[SECTION_COUNT] = {[SECTION_MODEL] = IN_MODEL,
                                                  [SECTION_DATA] = IN_DATA,
                                                  [SECTION_TRAIN] = IN_TRAIN,
                                                  [SECTION_COMPILE] = IN_COMPILE};

static CnnStatements read_body(Checker *checker, SectionKind kind, SchemaPlace place, const AstBody *body,
                               const Scope *scope);

/* The statements that may stand more than once. */
static bool may_repeat(const Schema *schema)
{
    return schema->places & (IN_SCHEDULE | IN_AUGMENT | IN_RATES);
}

static void add_stage(SectionWalk *walk, const Scope *scope, const AstStage *stage)
{
    Checker *checker = walk->walk.checker;
    const Schema *schema = statement_find(checker, walk->place, stage->word, stage->word_span, NULL);
    if (!schema)
        return;
    const SectionEntry *known = section_find(walk->entries, schema);
    if (known && !may_repeat(schema)) {
        check_error(checker, stage->word_span, "duplicate-statement", NULL, "'%s' stands twice",
                    schema->word);
        diag_note(checker->diag, known->span, "first here");
        return;
    }
    SectionEntry entry = {.schema = schema, .span = stage->word_span, .scope = scope, .args = stage->args};
    bool top = walk->place == places[walk->kind];
    if (top)
        entry.args = settings_apply(checker, walk->kind, schema, stage->args);
    bool chosen_later = schema == &loss_statement || schema == &optimizer_statement;
    entry.good = statement_check_body(checker, schema, stage);
    if (!chosen_later)
        entry.good &= schema_bind(checker, scope, schema, schema->word, stage->word_span, entry.args, false,
                                  &entry.bound);
    if (stage->body && schema->body) {
        entry.body = read_body(checker, walk->kind, (SchemaPlace)schema->body, stage->body, scope);
    } else if (schema->body) {
        check_error(checker, stage->word_span, "missing-body", NULL, "'%s' needs statements in { }",
                    schema->word);
        entry.good = false;
    }
    *vec_push(checker->arena, walk->entries) = entry;
}

static void add_chain(Walk *walk, Scope *scope, const AstLine *line, const Follow *follow)
{
    (void)follow;
    if (line->name)
        check_error(walk->checker, line->name_span, "wrong-place", NULL,
                    "only values of a model are named: 'let' makes constants");
    for (const AstStage *stage = line->chain; stage; stage = stage->next)
        add_stage((SectionWalk *)walk, scope, stage);
}

static CnnStatements read_body(Checker *checker, SectionKind kind, SchemaPlace place, const AstBody *body,
                               const Scope *scope)
{
    SectionEntries entries = {0};
    SectionWalk walk = {
        .walk = {checker, checker->main, add_chain}, .kind = kind, .place = place, .entries = &entries};
    Scope *inner = NEW(checker->arena, Scope);
    *inner = (Scope){.parent = scope, .body = body};
    lines_walk(&walk.walk, body, inner, NULL);
    return section_statements(checker, &entries);
}

SectionEntries section_read(Checker *checker, SectionKind kind)
{
    SectionEntries entries = {0};
    SectionWalk walk = {.walk = {checker, checker->main, add_chain},
                        .kind = kind,
                        .place = places[kind],
                        .entries = &entries};
    Scope *scope = NEW(checker->arena, Scope);
    const AstLine *section = checker->sections[kind];
    *scope = (Scope){.parent = &checker->main->scope, .body = section ? section->body : NULL};
    if (section)
        lines_walk(&walk.walk, section->body, scope, NULL);
    for (const AstStage *stage; (stage = settings_next(checker, kind)) != NULL;) {
        AstStage added = *stage;
        added.args = NULL; /* they come with the settings of the statement */
        add_stage(&walk, scope, &added);
    }
    return entries;
}

const SectionEntry *section_find(const SectionEntries *entries, const Schema *schema)
{
    for (size_t i = entries->count; i-- > 0;)
        if (entries->items[i].schema == schema)
            return &entries->items[i];
    return NULL;
}

CnnStatements section_statements(Checker *checker, const SectionEntries *entries)
{
    CnnStatement *statements = NEW_ARRAY(checker->arena, CnnStatement, entries->count + 1);
    int count = 0;
    for (size_t i = 0; i < entries->count; i++) {
        const SectionEntry *entry = &entries->items[i];
        if (!entry->good || entry->schema == &loss_statement || entry->schema == &optimizer_statement)
            continue;
        statements[count++] = (CnnStatement){.schema = entry->schema,
                                             .args = entry->bound.args,
                                             .where = diag_where(checker->diag, entry->span),
                                             .body = entry->body};
    }
    return (CnnStatements){count, statements};
}
