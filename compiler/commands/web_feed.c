#include "compiler/commands/web_feed.h"

#include <stdlib.h>
#include <string.h>

void web_feed_give(WebFeed *feed, int kind, bool best, const char *text, size_t length)
{
    size_t most = kind == EVENT_STEP ? WEB_FEED_MOST / 2 : WEB_FEED_MOST,
           bytes = sizeof(WebLine) + length + 1;
    int64_t number = ++feed->given;
    WebLine *line = atomic_load(&feed->waiting) + bytes <= most ? malloc(bytes) : NULL;
    if (!line)
        return;
    *line = (WebLine){
        .next = atomic_load(&feed->newest), .number = number, .kind = kind, .best = best, .length = length};
    memcpy(line->text, text, length);
    line->text[length] = '\0';
    atomic_fetch_add(&feed->waiting, bytes);
    while (!atomic_compare_exchange_weak(&feed->newest, &line->next, line)) {
        /* they were taken just now: line->next says what waits */
    }
}

WebLine *web_feed_take(WebFeed *feed)
{
    WebLine *oldest = NULL;
    for (WebLine *line = atomic_exchange(&feed->newest, NULL), *next; line; line = next) {
        next = line->next;
        line->next = oldest;
        oldest = line;
        atomic_fetch_sub(&feed->waiting, sizeof *line + line->length + 1);
    }
    return oldest;
}
