/* `balance`: which samples of the training part an epoch draws, so that classes of different sizes count
 * alike. A draw is a function of the seed, the epoch and its number alone, so an epoch may begin anywhere. */
#ifndef CNN_BALANCE_H
#define CNN_BALANCE_H

#include "runtime/data/split.h"

/* The order of the words of `balance`. */
typedef enum { BALANCE_OVERSAMPLE, BALANCE_UNDERSAMPLE, BALANCE_WEIGHTS } BalanceWay;
typedef struct {
    int way; /* BalanceWay */
} BalanceArgs;

extern const Schema balance_schema;

typedef struct {
    const BalanceArgs *args; /* NULL: the data do not say `balance` */
    int64_t count;           /* draws of an epoch */
    int64_t each;            /* draws of each class; 0: the epoch has each sample once, whatever its class */
    int64_t classes;         /* that have samples */
    int64_t least, most;     /* samples of the rarest of them, of the commonest */
    int64_t *first;          /* [classes + 1]: where a class begins in `member`; NULL where each is 0 */
    int64_t *member;         /* samples by class, in the part's order */
} Balance;

/* One sample of an epoch. */
typedef struct {
    int64_t sample; /* its index in the part */
    int64_t copy;   /* how often the epoch has drawn it before: each copy is augmented by itself */
} Pick;

/** Plans the epochs of the training part. `args` must outlive the result; NULL: none. */
CnnStatus balance_open(const BalanceArgs *args, Source *source, const Split *split, Balance *out,
                       CnnError *error);
void balance_close(Balance *balance);

/** Draw number `place` of an epoch; classes take turns. Any number of threads may call it. */
Pick balance_pick(const Balance *balance, int64_t place, uint64_t seed, int64_t epoch);

#endif
