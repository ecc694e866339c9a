/* Which requests the page of a training answers: those of its reader's browser, and nobody else's. */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

typedef enum {
    WEB_REFUSED,
    WEB_PAGE,
    WEB_LIVE,     /* what changes of the page */
    WEB_PICTURES, /* of the mistakes */
    WEB_EVENTS,
    WEB_CHECKPOINT,
    WEB_STOP
} WebAction;

typedef struct {
    WebAction action;
    int status;         /* WEB_REFUSED: of HTTP */
    const char *why;    /* WEB_REFUSED: a sentence */
    const char *method; /* of a status 405: the one that is allowed */
} WebVerdict;

enum { WEB_TOKEN = 32 }; /* hexadecimal digits */

/**
 * Judges a request. `host`: its header of this name, or NULL; it must name this machine, since a page of
 * another site whose name was made to lead here (DNS rebinding) has that site's. `path` must begin with
 * "/TOKEN/"; how many of its digits are right cannot be told from the time that it takes.
 */
WebVerdict web_judge(const char *token, const char *method, const char *host, const char *path);

#endif
