#include "compiler/commands/web_request.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* "localhost", "127.0.0.1", with or without a port: another one where a tunnel leads here. */
static bool is_this_machine(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1"};
    for (size_t i = 0; host && i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i]);
        if (strncmp(host, names[i], length) != 0)
            continue;
        const char *rest = host + length;
        if (!*rest || (*rest == ':' && strspn(rest + 1, "0123456789") == strlen(rest + 1)))
            return true;
    }
    return false;
}

static bool has_token(const char *path, const char *token)
{
    unsigned char differs = 0;
    if (*path != '/' || strlen(path) < WEB_TOKEN + 2)
        return false;
    for (int i = 0; i < WEB_TOKEN; i++)
        differs |= (unsigned char)(path[1 + i] ^ token[i]);
    return differs == 0 && path[1 + WEB_TOKEN] == '/';
}

WebVerdict web_judge(const char *token, const char *method, const char *host, const char *path)
{
    static const struct {
        const char *name, *method;
        WebAction action;
    } pages[] = {{"", "GET", WEB_PAGE},
                 {"live", "GET", WEB_LIVE},
                 {"pictures", "GET", WEB_PICTURES},
                 {"events", "GET", WEB_EVENTS},
                 {"checkpoint", "POST", WEB_CHECKPOINT},
                 {"stop", "POST", WEB_STOP}};
    if (!is_this_machine(host))
        return (WebVerdict){.status = 403, .why = "This page is for a browser on its own machine.\n"};
    if (!has_token(path, token))
        return (WebVerdict){
            .status = 403, .why = "The address lacks its token: cnnc prints the whole of it at its start.\n"};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (strcmp(path + WEB_TOKEN + 2, pages[i].name) != 0)
            continue;
        if (strcmp(method, pages[i].method) != 0)
            return (WebVerdict){.status = 405, .why = "Not by this method.\n", .method = pages[i].method};
        return (WebVerdict){.action = pages[i].action};
    }
    return (WebVerdict){.status = 404, .why = "There is nothing of this name.\n"};
}
