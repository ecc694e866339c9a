/* The command line's last word on a model: -D NAME=VALUE and --set SECTION.STATEMENT[.PARAMETER]=VALUE. Each
 * is parsed as the text it stands for, from a source of its own, so that a mistake in it is shown as any
 * other. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "compiler/check/checker.h"

/* -D NAME=VALUE, read as `let NAME = VALUE`. */
typedef struct {
    const char *name;
    Span span;
    const AstExpr *value;
    bool used;
} Define;

/* --set, read as `SECTION { STATEMENT PARAMETER=VALUE }`. */
typedef struct {
    SectionKind section;
    const AstStage *stage;
    const char *parameter; /* NULL: the values by position are meant */
    bool used;
} Setting;

struct Settings {
    VEC(Define) defines;
    VEC(Setting) settings;
};

/** Reads both from the options; --batch is `--set train.batch=N`. Mistakes are reported. */
Settings *settings_read(Checker *checker);
/** The value that -D gives a name, NULL without; it counts as used. */
const AstExpr *settings_define(Checker *checker, const char *name);
/** Reports the names of -D that nothing in the model has. */
void settings_check_defines(Checker *checker);
/** A statement's arguments with those that --set replaces or adds; `args` itself where there are none. */
AstArg *settings_apply(Checker *checker, SectionKind section, const Schema *schema, AstArg *args);
/** The next setting of the section whose statement is not used yet, NULL when there is none; it counts as
 * used. */
const AstStage *settings_next(Checker *checker, SectionKind section);

#endif
