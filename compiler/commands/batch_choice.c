#include "compiler/commands/find_batch.h"

/* Speeds within this share of each other are the same: a measurement of a second is no better. */
static const double AS_FAST = 0.05, FASTER = 0.03;

BatchChoice batch_choose(const BatchRow *rows, int count, int64_t own)
{
    BatchChoice choice = {-1, -1};
    for (int i = 0; i < count; i++)
        if (rows[i].rate > 0 && (choice.fastest < 0 || rows[i].rate > rows[choice.fastest].rate))
            choice.fastest = i;
    for (int i = 0; i < count; i++) {
        bool fast = rows[i].rate > 0 && rows[i].rate >= (1 - AS_FAST) * rows[choice.fastest].rate;
        if (fast && (choice.suggested < 0 || rows[i].batch == own))
            choice.suggested = i;
    }
    return choice;
}

bool batch_goes_on(const BatchRow *rows, int count)
{
    double fastest = 0;
    int slow = 0;
    for (int i = 0; i < count; i++) {
        slow = rows[i].rate > (1 + FASTER) * fastest ? 0 : slow + 1;
        fastest = rows[i].rate > fastest ? rows[i].rate : fastest;
    }
    return slow < 2;
}

int64_t batch_next(int64_t batch, int64_t own, int64_t most)
{
    int64_t next = 1;
    while (next <= batch)
        next *= 2;
    if (batch < own && own < next)
        next = own;
    return next < most ? next : most;
}
