/* The layers of a network as a text can say them: one behind the other, with joins whose branches are
 * sequences again, and named values where the graph is neither. */
#ifndef SEQUENCE_H
#define SEQUENCE_H

#include "compiler/exchange/network.h"

struct Piece;

/* One line of a body, or several where a join stands in it. */
typedef struct {
    size_t first, count; /* pieces */
    const char *unnamed; /* its text without the names of layers: what repeats is equal in it */
    int height;          /* lines of text */
} Line;

typedef struct {
    VEC(struct Piece) pieces;
    VEC(Line) lines; /* of network_text.c */
} Sequence;

/* One statement. */
typedef struct Piece {
    int layer;         /* whose value it gives; also of a join */
    Sequence *bodies;  /* of a join in { }: one for each branch */
    int body_count;    /* 0: a layer, or a join of named values */
    bool residual;     /* a sum of what enters and of its one body */
    const char *value; /* the name that its value gets, or NULL */
    const char *from;  /* the named value that it goes on from; NULL: the one before it */
    const char *joins; /* of a join of named values: those, separated by commas */
} Piece;

/** The network from its input to its output; what the output does not depend on is left out. */
Sequence sequence_make(const Network *network);

/** Calls `take` with each layer of a sequence, in the order in which the checker builds them. */
void sequence_walk(const Sequence *sequence, void (*take)(void *context, int layer), void *context);

#endif
