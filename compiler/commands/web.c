#include "compiler/commands/web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compiler/commands/web_server.h"
#include "runtime/run/answers_record.h"
#include "runtime/text_stream.h"

struct Web {
    WebSite site;
    int listening, port;
    WebServer *server; /* NULL: not begun */
    RunListener listener;
};

const char *web_library(void)
{
#ifdef CNNC_MICROHTTPD
    return web_server_version();
#else
    return NULL;
#endif
}

static CnnStatus start_server(Web *web, CnnError *error)
{
    int listening = web->listening;
    web->listening = -1;
#ifdef CNNC_MICROHTTPD
    return web_server_start(listening, &web->site, &web->server, error);
#else
    close(listening);
    return cnn_fail(error, CNN_NO_RESOURCE, "this cnnc serves no pages");
#endif
}

static void stop_server(Web *web)
{
#ifdef CNNC_MICROHTTPD
    if (web->server)
        web_server_stop(web->server);
#else
    (void)web;
#endif
}

/* ---- What the training tells ---- */

static void give(Web *web, TextStream *stream, int kind, bool best)
{
    size_t length;
    char *text = cnn_text_close(stream, &length);
    if (text)
        web_feed_give(&web->site.feed, kind, best, text, length);
    free(text);
}

static void hear(void *self, const CnnProgram *program, const RunEvent *event)
{
    Web *web = self;
    TextStream stream;
    if (cnn_text_open(&stream)) {
        cnn_event_put(stream.out, program, event);
        give(web, &stream, (int)event->kind, event->best);
    }
    if (event->answers && cnn_text_open(&stream)) {
        cnn_mistakes_put(stream.out, web->site.page.data, PART_VALIDATION, event->answers);
        give(web, &stream, WEB_MISTAKES, false);
    }
}

static CnnStatus close_ear(void *self, CnnError *error)
{
    (void)self, (void)error;
    return CNN_OK;
}

const RunListener *web_listener(Web *web)
{
    return web ? &web->listener : NULL;
}

/* ---- The address ---- */

static CnnStatus read_port(const char *text, int *port, CnnError *error)
{
    size_t digits = strspn(text, "0123456789");
    *port = digits <= 5 ? atoi(text) : 0;
    if (*text && (text[digits] || *port < 1 || *port > 65535))
        return cnn_fail(error, CNN_BAD_USAGE, "--web: '%s' is no port, a number from 1 to 65535", text);
    return CNN_OK;
}

static CnnStatus listen_at(Web *web, CnnError *error)
{
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)web->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    web->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (web->listening < 0 || setsockopt(web->listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(web->listening, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(web->listening, SOMAXCONN) != 0 ||
        getsockname(web->listening, (struct sockaddr *)&address, &length) != 0)
        return cnn_fail(error, CNN_NO_RESOURCE, "--web: port %d of this machine cannot be had: %s", web->port,
                        strerror(errno));
    web->port = ntohs(address.sin_port);
    return CNN_OK;
}

/* Nobody guesses it. */
static CnnStatus make_token(char token[WEB_TOKEN + 1], CnnError *error)
{
    unsigned char bytes[WEB_TOKEN / 2];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return cnn_fail(error, CNN_NO_RESOURCE, "--web: no random numbers for a token: %s", strerror(errno));
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    return CNN_OK;
}

/* ---- Opening and closing ---- */

CnnStatus web_open(const char *port, Web **out, CnnError *error)
{
    int number;
    *out = NULL;
    if (!port)
        return CNN_OK;
    if (!web_library())
        return cnn_fail(error, CNN_NO_RESOURCE,
                        "--web: this cnnc serves no pages: it was built without libmicrohttpd (Debian: "
                        "libmicrohttpd-dev)");
    TRY(read_port(port, &number, error));
    Web *web = calloc(1, sizeof *web);
    if (!web)
        return cnn_fail(error, CNN_NO_RESOURCE, "--web: no memory for a page");
    web->port = number;
    web->listener = (RunListener){hear, close_ear, web};
    CnnStatus status = listen_at(web, error);
    if (status == CNN_OK)
        status = make_token(web->site.token, error);
    if (status == CNN_OK)
        status = make_token(web->site.nonce, error);
    if (status == CNN_OK)
        *out = web;
    else
        web_close(web, "");
    return status;
}

CnnStatus web_begin(Web *web, const Model *model, const Plan *plan, const TrainingOptions *training,
                    CnnError *error)
{
    if (!web)
        return CNN_OK;
    web->site.page = (WebPage){.model = model->program->name,
                               .nonce = web->site.nonce,
                               .layers = web_page_layers(model, plan),
                               .data = model->program->data,
                               .keeps = !training->no_out};
    TRY(start_server(web, error));
    fflush(stdout);
    fprintf(stderr, "cnnc: the page of this training: http://127.0.0.1:%d/%s/\n", web->port, web->site.token);
    return CNN_OK;
}

void web_close(Web *web, const char *report)
{
    if (!web)
        return;
    web_feed_give(&web->site.feed, WEB_REPORT, false, report, strlen(report));
    atomic_store(&web->site.ending, true);
    stop_server(web);
    for (WebLine *line = web_feed_take(&web->site.feed), *next; line; line = next) {
        next = line->next;
        free(line);
    }
    if (web->listening >= 0)
        close(web->listening);
    free(web);
}
