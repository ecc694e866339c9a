/* The page of a training that runs: what it looks like. What changes is made anew each time that it is asked
 * for. */
#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include "compiler/commands/model.h"
#include "compiler/commands/web_history.h"

typedef struct {
    const char *model;  /* its name */
    const char *nonce;  /* by which a browser knows the page's own styles and script */
    const char *layers; /* the table of layers, as HTML */
    const CnnData *data;
    bool keeps; /* the training has a run folder, for checkpoints */
} WebPage;

/** The whole page, with its script. */
void web_page(const WebPage *page, WebHistory *history, Text *out);

/** The part of it that changes. */
void web_page_live(const WebPage *page, WebHistory *history, Text *out);

/** The mistakes in the validation part of the newest epoch, as pictures. "": there are none to show. */
void web_page_pictures(const WebPage *page, WebHistory *history, Text *out);

/** The table of layers of a program; `plan`: of its training step. In the session's arena. */
const char *web_page_layers(const Model *model, const Plan *plan);

#endif
