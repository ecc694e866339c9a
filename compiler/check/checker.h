/* What the parts of the checker share: the state of one check, scopes, frames, and the one door for errors.
 *
 * A *scope* maps names to values and encloses in text; a *frame* is a call: of a block, or the model itself.
 * Layers are numbered and named by their frame; a mistake shows the frames that led to it. */
#ifndef CHECKER_H
#define CHECKER_H

#include "compiler/check/name_map.h"
#include "compiler/check/program.h"
#include "compiler/check/value.h"
#include "compiler/syntax/ast.h"

typedef struct Module Module;
typedef struct Settings Settings; /* settings.h */

/* A name and what it stands for. Top-level constants are evaluated when they are first read, so that their
 * order does not matter; the states find constants that need themselves. */
typedef enum { BINDING_READY, BINDING_WAITING, BINDING_RUNNING } BindingState;
typedef struct Binding {
    const char *name;
    Span span;
    BindingState state;
    Value value;
    const AstExpr *expr; /* BINDING_WAITING: the value to be, in `module`'s scope */
    const Module *module;
    const struct Binding *reader; /* BINDING_RUNNING: the constant that needed it, NULL for the first */
} Binding;

typedef struct Scope {
    const struct Scope *parent;
    NameMap names;       /* to Binding */
    const AstBody *body; /* where names could yet be defined; NULL for a file */
} Scope;

typedef struct {
    const char *name;
    Span span;
    const AstLine *line;
    const Module *module;
} Block;

/* A file: its constants and blocks, and those of the files it imports. */
struct Module {
    const char *path;       /* as messages show it; "<NAME>" for a text of the standard library */
    const char *identity;   /* the same for each way to the same file */
    const Module *importer; /* while it is being opened */
    bool opening;
    Ast *ast;
    Scope scope;
    NameMap blocks; /* to Block */
};

typedef struct {
    const char *word;
    int64_t count;
} WordCount;

typedef struct Frame {
    const struct Frame *caller; /* NULL for the model */
    const Block *block;         /* NULL for the model */
    Span call;                  /* the word of the call */
    const char *prefix;         /* of the names of its layers: "" or "basic3." */
    VEC(WordCount) counts;
} Frame;

/* Whether `data.classes` and `data.shape` can be asked for. */
typedef enum { DATA_NOT_YET, DATA_OPEN, DATA_FAILED, DATA_NOT_READ, DATA_ABSENT } DataState;

typedef struct Checker {
    Arena *arena;
    Diag *diag;
    const CheckOptions *options;
    Settings *settings;
    Program *program;
    VEC(Module *) modules;
    Module *main;
    const AstLine *sections[4]; /* of the main file, by SectionKind */
    const Frame *frame;         /* of the statement that is being elaborated: for notes */
    const Graph *graph;         /* that is being built: gives tensors their shapes */
    DataState data_state;
    Span data_span; /* of the data's first statement */
    Span batch_span, schedule_span, rates_span, freeze_span, new_span;
    const Binding *running; /* the constant that is being evaluated */
    int64_t work;           /* statements and repeats so far */
    int64_t work_good;      /* of these, before the first mistake */
    int depth;              /* of bodies within bodies, and calls */
    bool gave_up;           /* the elaboration was too large: nothing further is elaborated */
    NameMap presets;        /* values of schemas' presets, by their text */
    NameMap statements;     /* all statements of the language, by word (statements.c) */
} Checker;

typedef enum { SECTION_MODEL, SECTION_DATA, SECTION_TRAIN, SECTION_COMPILE, SECTION_COUNT } SectionKind;

/** Reports a mistake with notes of the block calls that led to it. `hint` may be NULL. */
void check_error(Checker *checker, Span at, const char *slug, const char *hint, const char *format, ...)
    PRINTF_LIKE(5, 6);
void check_warning(Checker *checker, Span at, const char *slug, const char *format, ...) PRINTF_LIKE(4, 5);
/** "did you mean 'NAME'?" for the nearest of the NULL-terminated names, NULL when none is near. */
const char *check_suggestion(Checker *checker, const char *word, const char *const *names);

/** Counts a step of the elaboration. false: there were too many, which has been reported. */
bool check_work(Checker *checker, Span at);
/** Enters a body or a call; false: nested too deep, which has been reported. Left by check_leave. */
bool check_enter(Checker *checker, Span at);
void check_leave(Checker *checker);

/** Defines a name in a scope; a name twice is reported. Returns its binding. */
Binding *scope_define(Checker *checker, Scope *scope, const char *name, Span span, Value value);
/** The binding of a name, in this scope or one around it; NULL when there is none. Evaluates a waiting
 * constant. */
Binding *scope_find(Checker *checker, const Scope *scope, const char *name);
/** Reports a name that is not defined, with the nearest one that is. */
void scope_unknown(Checker *checker, const Scope *scope, const char *name, Span span);

/** The value of an expression. An unknown name alone is a VALUE_WORD. */
Value eval(Checker *checker, const Scope *scope, const AstExpr *expr);
/** The same where a word cannot stand: reports it as an unknown name. */
Value eval_known(Checker *checker, const Scope *scope, const AstExpr *expr);
static inline Value value_poison(Span span)
{
    return (Value){.kind = VALUE_POISON, .span = span};
}

/** The value of a text in the syntax of an expression, evaluated in no scope: a preset. A text that cannot be
 * read is a BUG. */
Value eval_preset(Checker *checker, const char *text);

/** An operator applied to values; POISON after it has reported what does not fit. */
Value value_unary(Checker *checker, Span span, AstOperator op, const Value *operand);
Value value_binary(Checker *checker, Span span, AstOperator op, const Value *left, const Value *right);
/** min, max, multiple, round, ceil, floor. */
Value value_call(Checker *checker, Span span, const char *name, const Value *items, int count);

/** The module of an import that was opened; NULL for one of the standard library. */
const Module *module_imported(const Checker *checker, const Module *importer, const char *text);
/** Makes the main module of a parsed source, and reads all that it imports. Errors are reported. */
Module *module_open(Checker *checker, const char *path, Span source);
/** The block of this name that the module can call, or NULL. */
const Block *module_block(const Module *module, const char *name);

/** Fills program->sources: texts that give the same program, from any folder (resolved.c). */
void resolve_sources(Checker *checker);

#endif
