/* What a training has told so far, for its page: as much as a page can show, however long the training is. */
#ifndef WEB_HISTORY_H
#define WEB_HISTORY_H

#include "compiler/base/text.h"
#include "compiler/commands/json_object.h"
#include "compiler/commands/web_feed.h"

enum { WEB_HISTORY_MOST = 4096 };

/* Lines of which an equal share is kept: those whose ordinal is a multiple of `stride`. */
typedef struct {
    int64_t seen, stride;
} WebShare;

typedef struct {
    int64_t number;             /* of the newest line */
    WebLine *newest[WEB_KINDS]; /* of each kind; NULL: there is none yet */
    WebLine *best;              /* the newest epoch that was the best so far */
    WebLine **items;            /* events, in their order */
    int count;
    WebShare shares[EVENT_KINDS];
    /* The items that are read: */
    JsonReader *reader;
    Arena *arena;
    JsonObjects objects[EVENT_KINDS];
    int read;
} WebHistory;

/** Errors: CNN_NO_RESOURCE. */
CnnStatus web_history_open(WebHistory *history, CnnError *error);
void web_history_close(WebHistory *history);

/** Adds lines as web_feed_take gives them, which are freed by the history. Where there are too many, every
 * second event is left out of those of the kind that there are most of. */
void web_history_add(WebHistory *history, WebLine *lines);

/** The objects of the kept events of a kind, until the next web_history_add. */
const JsonObjects *web_history_objects(WebHistory *history, EventKind kind);

/** The newest line of a kind, or another line of an object; no object where it is NULL. */
JsonObject web_history_object(WebHistory *history, Arena *arena, const WebLine *line);

/** The events after number `after`, an object a line: those that are kept, and the newest step. */
void web_history_print(const WebHistory *history, int64_t after, Text *out);

#endif
