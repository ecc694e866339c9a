/* The lines of a body, with `let`, `if` and `repeat` carried out: what is left are chains of statements, in
 * order. */
#ifndef LINES_H
#define LINES_H

#include "compiler/check/checker.h"

/* What comes after a chain: the rest of its body, then of the bodies around it. */
typedef struct Follow {
    const AstStage *stage; /* comes at once; NULL: `line` does */
    const AstLine *line;   /* NULL: the end of the body, `outer` goes on */
    const Scope *scope;
    const Module *module;
    const struct Follow *outer;
} Follow;

typedef struct Walk {
    Checker *checker;
    const Module *module; /* whose blocks the body can call */
    /** A line that is a chain. */
    void (*chain)(struct Walk *walk, Scope *scope, const AstLine *line, const Follow *follow);
} Walk;

/** Walks through a body. Names are defined in `scope`; each turn of a repeat has a scope of its own. */
void lines_walk(Walk *walk, const AstBody *body, Scope *scope, const Follow *outer);

/** The word of the statement that is elaborated next, seen through blocks; NULL when there is none or it
 * depends. */
const char *follow_word(Checker *checker, const Follow *follow);

#endif
