/* What a training tells, on its way from the training's thread to the one that serves the page: texts that
 * are handed over without a lock. Whoever takes them may be as slow as it likes. */
#ifndef WEB_FEED_H
#define WEB_FEED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/run/events.h"

/* An event, as an object of events.jsonl, or what the page shows beside them. */
typedef enum {
    WEB_MISTAKES = EVENT_KINDS, /* lines of mistakes.jsonl, after an epoch */
    WEB_REPORT,                 /* the path of report.html, after the end */
    WEB_KINDS
} WebKind; /* or an EventKind */

typedef struct WebLine {
    struct WebLine *next; /* in the feed */
    int64_t number;       /* from 1, in the order of the events */
    int kind;
    bool best;       /* EVENT_EPOCH: the best so far */
    int64_t ordinal; /* web_history.c: which of its kind, from 0 */
    int holders;     /* likewise */
    size_t length;   /* of the text, with its newline */
    char text[];     /* followed by a NUL byte */
} WebLine;

enum { WEB_FEED_MOST = 4 << 20 }; /* bytes that wait to be taken */

typedef struct {
    _Atomic(WebLine *) newest; /* of those that wait, linked from the newest to the oldest */
    atomic_size_t waiting;     /* their bytes */
    int64_t given;             /* lines so far; the giver's */
} WebFeed;

/** Gives a line, from one thread. Where too much waits, or there is no memory, it is left out: steps before
 * anything else. */
void web_feed_give(WebFeed *feed, int kind, bool best, const char *text, size_t length);

/** Takes all that waits, linked from the oldest on; each is freed by the caller. From one other thread. */
WebLine *web_feed_take(WebFeed *feed);

#endif
