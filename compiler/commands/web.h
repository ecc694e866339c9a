/* `cnnc run --web`: a page of the training while it runs, for a browser on the same machine. */
#ifndef WEB_H
#define WEB_H

#include "compiler/commands/model.h"

typedef struct Web Web;

/** What serves the page, with its version; NULL: this cnnc was built without. */
const char *web_library(void);

/**
 * Takes a port of the loopback address: the one in `port`, any where that is "". *out NULL: `port` is NULL,
 * and nobody wants a page.
 *
 * Errors  CNN_BAD_USAGE: it is no port; CNN_NO_RESOURCE: it is taken, or this cnnc was built without
 *         libmicrohttpd.
 */
CnnStatus web_open(const char *port, Web **out, CnnError *error);

/** Serves the page from now on, in a thread, and prints its address, which has a token in it, on the standard
 * error. `plan`: of the training step of the model, which must stay open. Does nothing without a page. */
CnnStatus web_begin(Web *web, const Model *model, const Plan *plan, const TrainingOptions *training,
                    CnnError *error);

/** What is to hear the training's events, and never lets it wait; NULL without a page. */
const RunListener *web_listener(Web *web);

/** Ends the page. One that a browser has open gets to know how the training ended, and `report`, the path of
 * its report ("": there is none), for which at most two seconds are waited. */
void web_close(Web *web, const char *report);

#endif
