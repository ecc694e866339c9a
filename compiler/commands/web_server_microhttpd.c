/* The server of a training's page. One thread does all: it takes what the training has told, and answers by
 * turns whoever asks, waiting for nobody. */
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/commands/web_server.h"
#include "runtime/clock.h"
#include "runtime/interrupt.h"

enum { CONNECTIONS = 32, IDLE_SECONDS = 20, TURN_MILLISECONDS = 50 };
/* A page that has asked so recently is there still; how long it is waited for, to ask once more; and how long
 * the server stays after that, for the pictures. */
static const double RECENT = 4, PATIENCE = 2, PICTURES = 0.3;

struct WebServer {
    WebSite *site;
    struct MHD_Daemon *daemon;
    pthread_t thread;
    WebHistory history;
    bool ending;        /* the history is whole */
    double asked, told; /* when the page asked last; when it had got the last; 0: never */
    char begun, last; /* marks of a request: its head has come; its answer is the last that the page needs */
};

const char *web_server_version(void)
{
    return MHD_get_version();
}

/* ---- Answers ---- */

typedef struct {
    unsigned status;
    const char *type;
    const char *text;
    size_t length;
    const char *method; /* the one that is allowed, or NULL */
} WebAnswer;

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    MHD_add_response_header(response, name, value);
}

static void add_number(struct MHD_Response *response, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    add_header(response, name, text);
}

/* Nothing of the page comes from elsewhere, and none of it is kept. */
static void add_headers(const WebServer *server, struct MHD_Response *response)
{
    char policy[256];
    const WebHistory *history = &server->history;
    const char *nonce = server->site->nonce;
    const WebLine *pictures = history->newest[WEB_MISTAKES];
    snprintf(
        policy, sizeof policy,
        "default-src 'none'; style-src 'nonce-%s'; script-src 'nonce-%s'; img-src data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        nonce, nonce);
    add_header(response, "Content-Security-Policy", policy);
    add_header(response, "Cache-Control", "no-store");
    add_header(response, "X-Content-Type-Options", "nosniff");
    add_header(response, "Referrer-Policy", "no-referrer");
    add_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    add_number(response, "Cnnc-Number", history->number);
    add_number(response, "Cnnc-Pictures", pictures ? pictures->number : 0);
    add_number(response, "Cnnc-Ended", server->ending);
}

static enum MHD_Result send_answer(const WebServer *server, struct MHD_Connection *connection,
                                   const WebAnswer *answer)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer->length, (void *)answer->text, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    add_headers(server, response);
    add_header(response, "Content-Type", answer->type);
    if (answer->method)
        add_header(response, "Allow", answer->method);
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static WebAnswer plain(unsigned status, const char *text)
{
    return (WebAnswer){status, "text/plain; charset=utf-8", text, strlen(text), NULL};
}

/* The number of the last event that whoever asks has; 0: of none. */
static int64_t known(struct MHD_Connection *connection)
{
    const char *after = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "after");
    return after ? strtoll(after, NULL, 10) : 0;
}

static WebAnswer stop_training(const WebServer *server)
{
    if (server->history.newest[EVENT_END])
        return plain(MHD_HTTP_CONFLICT, "The training has ended.\n");
    cnn_interrupt_ask();
    return plain(MHD_HTTP_OK, "The training stops after the running step, as by Ctrl-C.\n");
}

static WebAnswer keep_training(const WebServer *server)
{
    if (server->history.newest[EVENT_END])
        return plain(MHD_HTTP_CONFLICT, "The training has ended.\n");
    if (!server->site->page.keeps)
        return plain(MHD_HTTP_CONFLICT, "This training has no run folder, and so no checkpoints.\n");
    cnn_checkpoint_ask();
    return plain(MHD_HTTP_OK, "A checkpoint is written after the running step.\n");
}

/* A text is in the arena. */
static WebAnswer make_answer(WebServer *server, struct MHD_Connection *connection, WebAction action,
                             Arena *arena)
{
    Text out = {.arena = arena};
    const WebPage *page = &server->site->page;
    const char *type = action == WEB_EVENTS ? "application/jsonl" : "text/html; charset=utf-8";
    if (action == WEB_STOP)
        return stop_training(server);
    if (action == WEB_CHECKPOINT)
        return keep_training(server);
    if (action == WEB_EVENTS)
        web_history_print(&server->history, known(connection), &out);
    else if (action == WEB_PICTURES)
        web_page_pictures(page, &server->history, &out);
    else if (action == WEB_PAGE)
        web_page(page, &server->history, &out);
    else if (known(connection) == server->history.number)
        return (WebAnswer){MHD_HTTP_NO_CONTENT, type, "", 0, NULL};
    else
        web_page_live(page, &server->history, &out);
    return (WebAnswer){MHD_HTTP_OK, type, text_string(&out), out.length, NULL};
}

static enum MHD_Result answer_request(void *self, struct MHD_Connection *connection, const char *path,
                                      const char *method, const char *version, const char *body,
                                      size_t *body_bytes, void **mark)
{
    WebServer *server = self;
    (void)version, (void)body;
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
    WebVerdict verdict = web_judge(server->site->token, method, host, path);
    if (verdict.action == WEB_REFUSED) {
        WebAnswer refused = plain((unsigned)verdict.status, verdict.why);
        refused.method = verdict.method;
        return send_answer(server, connection, &refused);
    }
    if (!*mark || *body_bytes > 0) { /* what it sends is not looked at */
        *mark = &server->begun;
        *body_bytes = 0;
        return MHD_YES;
    }
    if (verdict.action == WEB_LIVE) {
        server->asked = cnn_clock();
        *mark = server->ending ? &server->last : &server->begun;
    }
    Arena *arena = arena_new();
    WebAnswer answer = make_answer(server, connection, verdict.action, arena);
    enum MHD_Result result = send_answer(server, connection, &answer);
    arena_free(arena);
    return result;
}

static void note_answered(void *self, struct MHD_Connection *connection, void **mark,
                          enum MHD_RequestTerminationCode how)
{
    WebServer *server = self;
    (void)connection;
    if (*mark == &server->last && how == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        server->told = cnn_clock();
}

/* ---- The thread ---- */

static bool is_waited_for(const WebServer *server, double ending_since)
{
    double now = cnn_clock();
    if (server->asked == 0 || ending_since - server->asked > RECENT || now - ending_since > PATIENCE)
        return false;
    return server->told == 0 || now - server->told < PICTURES;
}

static void *serve(void *self)
{
    WebServer *server = self;
    double ending_since = 0;
    do {
        bool ending = atomic_load(&server->site->ending); /* before the feed is taken, which then is whole */
        web_history_add(&server->history, web_feed_take(&server->site->feed));
        if (ending && !server->ending)
            ending_since = cnn_clock();
        server->ending = ending;
        MHD_run_wait(server->daemon, TURN_MILLISECONDS);
    } while (!server->ending || is_waited_for(server, ending_since));
    return NULL;
}

/* Signals are for the other threads; the library's writes to a connection that is gone fail without one. */
static bool start_thread(WebServer *server)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    bool started = pthread_create(&server->thread, NULL, serve, server) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void free_server(WebServer *server)
{
    web_history_close(&server->history);
    free(server);
}

CnnStatus web_server_start(int listening, WebSite *site, WebServer **out, CnnError *error)
{
    WebServer *server = calloc(1, sizeof *server);
    CnnStatus status = server ? web_history_open(&server->history, error)
                              : cnn_fail(error, CNN_NO_RESOURCE, "no memory for the page of the training");
    if (status != CNN_OK) {
        close(listening);
        free(server);
        return status;
    }
    server->site = site;
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, answer_request, server, MHD_OPTION_LISTEN_SOCKET, listening,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_SECONDS, MHD_OPTION_NOTIFY_COMPLETED, note_answered, server, MHD_OPTION_END);
    if (!server->daemon)
        close(listening);
    else if (start_thread(server)) {
        *out = server;
        return CNN_OK;
    } else
        MHD_stop_daemon(server->daemon);
    free_server(server);
    return cnn_fail(error, CNN_NO_RESOURCE, "no thread for the page of the training");
}

void web_server_stop(WebServer *server)
{
    pthread_join(server->thread, NULL);
    MHD_stop_daemon(server->daemon);
    free_server(server);
}
