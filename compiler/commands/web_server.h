/* What a browser is told of a training, and who tells it: libmicrohttpd (web_server_microhttpd.c). */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

#include "compiler/commands/web_page.h"
#include "compiler/commands/web_request.h"

typedef struct {
    char token[WEB_TOKEN + 1], nonce[WEB_TOKEN + 1];
    WebPage page;
    WebFeed feed;
    atomic_bool ending; /* the feed gets nothing more */
} WebSite;

typedef struct WebServer WebServer;

const char *web_server_version(void);

/** Answers in a thread of its own who connects to the listening socket, which it closes in the end, after a
 * failure too. The site must stay where it is. Errors: CNN_NO_RESOURCE. */
CnnStatus web_server_start(int listening, WebSite *site, WebServer **out, CnnError *error);

/** Ends the thread; site->ending is set. A browser that has the page open is waited for, two seconds at most,
 * until it has got the last of the feed. */
void web_server_stop(WebServer *server);

#endif
