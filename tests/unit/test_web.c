/* The page of a training that runs: whom it answers, what it keeps, and what it shows. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compiler/commands/web.h"
#include "compiler/commands/web_page.h"
#include "compiler/commands/web_request.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

/* ---- Requests ---- */

static void only_its_reader_is_answered(void **state)
{
    (void)state;
    static const struct {
        const char *method, *host, *path;
        WebAction action;
        int status;
    } cases[] = {
        {"GET", "127.0.0.1:80", "/" TOKEN "/", WEB_PAGE, 0},
        {"GET", "localhost", "/" TOKEN "/live", WEB_LIVE, 0},
        {"GET", "localhost:9", "/" TOKEN "/pictures", WEB_PICTURES, 0},
        {"GET", "127.0.0.1", "/" TOKEN "/events", WEB_EVENTS, 0},
        {"POST", "127.0.0.1", "/" TOKEN "/checkpoint", WEB_CHECKPOINT, 0},
        {"POST", "127.0.0.1", "/" TOKEN "/stop", WEB_STOP, 0},
        /* Actions are no links; what is read is not written to. */
        {"GET", "127.0.0.1", "/" TOKEN "/stop", WEB_REFUSED, 405},
        {"HEAD", "127.0.0.1", "/" TOKEN "/checkpoint", WEB_REFUSED, 405},
        {"POST", "127.0.0.1", "/" TOKEN "/events", WEB_REFUSED, 405},
        {"DELETE", "127.0.0.1", "/" TOKEN "/", WEB_REFUSED, 405},
        /* Without the token nothing is told, not even what there is. */
        {"GET", "127.0.0.1", "", WEB_REFUSED, 403},
        {"GET", "127.0.0.1", "/", WEB_REFUSED, 403},
        {"GET", "127.0.0.1", "/" TOKEN, WEB_REFUSED, 403},
        {"GET", "127.0.0.1", TOKEN "/", WEB_REFUSED, 403},
        {"GET", "127.0.0.1", "/" TOKEN "0/", WEB_REFUSED, 403},
        {"GET", "127.0.0.1", "/0123456789abcdef0123456789abcdee/", WEB_REFUSED, 403},
        {"GET", "127.0.0.1", "/1123456789abcdef0123456789abcdef/", WEB_REFUSED, 403},
        {"POST", "127.0.0.1", "/stop", WEB_REFUSED, 403},
        {"GET", "127.0.0.1", "/" TOKEN "/other", WEB_REFUSED, 404},
        {"GET", "127.0.0.1", "/" TOKEN "/events/", WEB_REFUSED, 404},
        /* Names that an attacker owns. */
        {"GET", NULL, "/" TOKEN "/", WEB_REFUSED, 403},
        {"GET", "", "/" TOKEN "/", WEB_REFUSED, 403},
        {"GET", "evil.example", "/" TOKEN "/", WEB_REFUSED, 403},
        {"GET", "localhost.evil.example", "/" TOKEN "/", WEB_REFUSED, 403},
        {"GET", "127.0.0.1.evil.example:80", "/" TOKEN "/", WEB_REFUSED, 403},
        {"GET", "127.0.0.1:80.evil.example", "/" TOKEN "/", WEB_REFUSED, 403},
        {"POST", "evil.example", "/" TOKEN "/stop", WEB_REFUSED, 403},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        WebVerdict verdict = web_judge(TOKEN, cases[i].method, cases[i].host, cases[i].path);
        if (verdict.action != cases[i].action || verdict.status != cases[i].status)
            fail_msg("%s %s of %s: action %d, status %d", cases[i].method, cases[i].path,
                     cases[i].host ? cases[i].host : "nobody", (int)verdict.action, verdict.status);
        assert_true((verdict.why != NULL) == (verdict.action == WEB_REFUSED));
    }
}

static void ports_are_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {"0", "65536", "80x", "-1", "http", "99999999999"};
    Web *web;
    CnnError error = {0};
    assert_int_equal(web_open(NULL, &web, &error), CNN_OK);
    assert_null(web);
    web_close(web, "");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error = (CnnError){0};
        CnnStatus status = web_open(bad[i], &web, &error);
        assert_int_equal(status, web_library() ? CNN_BAD_USAGE : CNN_NO_RESOURCE);
        assert_non_null(strstr(error.text, web_library() ? "is no port, a number from 1 to 65535"
                                                         : "it was built without libmicrohttpd"));
    }
}

static void a_port_is_had_once(void **state)
{
    (void)state;
    char port[8];
    Web *web;
    CnnError error = {0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (!web_library())
        skip();
    int taken = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(taken, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(taken, 1), 0);
    assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &length), 0);
    snprintf(port, sizeof port, "%d", ntohs(address.sin_port));
    assert_int_equal(web_open(port, &web, &error), CNN_NO_RESOURCE);
    assert_non_null(strstr(error.text, "of this machine cannot be had: Address already in use"));
    assert_null(web);
    close(taken);
    error = (CnnError){0};
    assert_int_equal(web_open(port, &web, &error), CNN_OK);
    web_close(web, "");
}

/* ---- The feed ---- */

static void give(WebFeed *feed, int kind, bool best, const char *text)
{
    web_feed_give(feed, kind, best, text, strlen(text));
}

static int free_lines(WebLine *lines, int kind)
{
    int count = 0;
    for (WebLine *line = lines, *next; line; line = next) {
        next = line->next;
        count += line->kind == kind;
        free(line);
    }
    return count;
}

static void steps_are_left_out_first(void **state)
{
    (void)state;
    WebFeed feed = {0};
    enum { LENGTH = 1000, MANY = 2 * WEB_FEED_MOST / LENGTH };
    char *text = calloc(1, LENGTH + 1);
    memset(text, 'x', LENGTH);
    for (int i = 0; i < MANY; i++)
        give(&feed, EVENT_STEP, false, text);
    give(&feed, EVENT_EPOCH, true, text);
    assert_true(atomic_load(&feed.waiting) < WEB_FEED_MOST);
    WebLine *lines = web_feed_take(&feed);
    assert_int_equal(atomic_load(&feed.waiting), 0);
    WebLine *last = lines;
    while (last->next)
        last = last->next;
    assert_int_equal(last->kind, EVENT_EPOCH);
    assert_int_equal(last->number, MANY + 1);
    int steps = free_lines(lines, EVENT_STEP);
    assert_true(steps > 1000 && steps < MANY / 2);
    for (int i = 0; i < MANY; i++) /* others have their bound, too */
        give(&feed, EVENT_NOTE, false, text);
    assert_true(atomic_load(&feed.waiting) <= WEB_FEED_MOST);
    free_lines(web_feed_take(&feed), EVENT_NOTE);
    assert_null(web_feed_take(&feed));
    free(text);
}

enum { GIVEN = 50000 };

static void *give_many(void *feed)
{
    for (int i = 0; i < GIVEN; i++)
        give(feed, EVENT_STEP, false, "{}\n");
    give(feed, EVENT_END, false, "{}\n");
    return NULL;
}

static void threads_hand_over_in_order(void **state)
{
    (void)state;
    WebFeed feed = {0};
    pthread_t giver;
    int64_t number = 0;
    bool ended = false;
    assert_int_equal(pthread_create(&giver, NULL, give_many, &feed), 0);
    while (!ended) {
        for (WebLine *line = web_feed_take(&feed), *next; line; line = next) {
            next = line->next;
            assert_true(line->number > number);
            number = line->number;
            ended = line->kind == EVENT_END;
            free(line);
        }
    }
    assert_int_equal(number, GIVEN + 1);
    pthread_join(giver, NULL);
}

/* ---- The history ---- */

static void tell(WebHistory *history, WebFeed *feed, int kind, bool best, const char *text)
{
    give(feed, kind, best, text);
    web_history_add(history, web_feed_take(feed));
}

static void tell_step(WebHistory *history, WebFeed *feed, int step)
{
    char text[200];
    snprintf(
        text, sizeof text,
        "{\"event\": \"step\", \"seconds\": %d, \"epoch\": 1, \"step\": %d, \"loss\": %g, \"accuracy\": 0.5, "
        "\"rate\": 0.01, \"samples\": 8, \"step_seconds\": 0.25}\n",
        step, step, 1.0 / step);
    tell(history, feed, EVENT_STEP, false, text);
}

static void long_trainings_are_thinned(void **state)
{
    (void)state;
    enum { STEPS = 20001 };
    WebFeed feed = {0};
    WebHistory history;
    CnnError error = {0};
    Arena *arena = arena_new();
    assert_int_equal(web_history_open(&history, &error), CNN_OK);
    tell(&history, &feed, EVENT_START, false, "{\"event\": \"start\"}\n");
    tell(&history, &feed, EVENT_EPOCH, true, "{\"event\": \"epoch\", \"epoch\": 1}\n");
    for (int i = 1; i <= STEPS; i++) {
        tell_step(&history, &feed, i);
        if (i == 77)
            tell(&history, &feed, EVENT_NOTE, false, "{\"event\": \"note\", \"text\": \"a note\"}\n");
    }
    tell(&history, &feed, EVENT_EPOCH, false, "{\"event\": \"epoch\", \"epoch\": 2}\n");
    assert_true(history.count > WEB_HISTORY_MOST / 2 - 10 && history.count <= WEB_HISTORY_MOST);
    const JsonObjects *steps = web_history_objects(&history, EVENT_STEP);
    for (size_t i = 0; i < steps->count; i++) /* equally far from each other */
        assert_true(json_object_number(&steps->items[i], "step") == 1 + 8.0 * (double)i);
    assert_int_equal(web_history_objects(&history, EVENT_NOTE)->count, 1);
    assert_int_equal(web_history_objects(&history, EVENT_EPOCH)->count, 2);
    JsonObject best = web_history_object(&history, arena, history.best);
    assert_true(json_object_number(&best, "epoch") == 1);

    /* All that is kept; the newest step in its place; then only what is new. */
    Text all = {.arena = arena}, none = {.arena = arena}, late = {.arena = arena};
    web_history_print(&history, 0, &all);
    assert_memory_equal(text_string(&all), "{\"event\": \"start\"}\n", 19);
    const char *newest = strstr(text_string(&all), "\"step\": 20001,");
    assert_non_null(newest);
    assert_non_null(strstr(newest, "\"epoch\": 2}\n"));
    web_history_print(&history, history.number, &none);
    assert_string_equal(text_string(&none), "");
    tell_step(&history, &feed, STEPS + 1); /* not kept, but the newest */
    web_history_print(&history, history.number - 1, &late);
    assert_non_null(strstr(text_string(&late), "\"step\": 20002,"));
    assert_ptr_equal(strchr(text_string(&late), '\n') + 1, text_string(&late) + late.length);
    web_history_close(&history);
    arena_free(arena);
}

/* ---- The page ---- */

static void the_page_shows_what_was_told(void **state)
{
    (void)state;
    WebFeed feed = {0};
    WebHistory history;
    CnnError error = {0};
    Arena *arena = arena_new();
    WebPage page = {.model = "M<", .nonce = TOKEN, .layers = "<h2>Layers</h2>", .keeps = true};
    assert_int_equal(web_history_open(&history, &error), CNN_OK);

    Text early = {.arena = arena};
    web_page(&page, &history, &early);
    assert_non_null(strstr(text_string(&early), "<title>M&lt;</title>"));
    assert_non_null(strstr(text_string(&early), "starting"));
    assert_non_null(strstr(text_string(&early), "<style nonce=\"" TOKEN "\">"));
    assert_non_null(strstr(text_string(&early), "<script nonce=\"" TOKEN "\">"));
    assert_non_null(strstr(text_string(&early), "id=\"checkpoint\""));

    tell(&history, &feed, EVENT_START, false,
         "{\"event\": \"start\", \"seconds\": 0, \"epoch\": 1, \"step\": 0, \"epochs\": 5, \"steps\": 100, "
         "\"resumed\": false, \"time\": \"2026-11-30T19:01:28Z\"}\n");
    for (int i = 1; i <= 40; i++)
        tell_step(&history, &feed, i);
    tell(&history, &feed, EVENT_EPOCH, true,
         "{\"event\": \"epoch\", \"seconds\": 40, \"epoch\": 1, \"step\": 40, \"loss\": 0.5, \"val_loss\": "
         "0.75, "
         "\"rate\": 0.01, \"samples\": 320, \"epoch_seconds\": 12, \"train_seconds\": 10, \"wait_seconds\": "
         "1, "
         "\"best\": true}\n");
    tell(&history, &feed, EVENT_NOTE, false,
         "{\"event\": \"note\", \"epoch\": 1, \"step\": 40, \"text\": \"a <note>\"}\n");
    Text live = {.arena = arena};
    web_page_live(&page, &history, &live);
    static const char *const shown[] = {
        "<td>running</td>",
        "<th>time left</th><td>1:00</td>",
        "40 of 100: loss 0.0250  accuracy 0.5000",
        "<th>images a second</th><td>32</td>",
        "10 % of the last epoch",
        "<th>epochs</th><td>1/5</td>",
        "epoch 1: loss 0.5000  val_loss 0.7500",
        "epoch 1, step 40: a &lt;note&gt;",
        "By steps",
        "By epochs",
        "images, step 40: 32",
        "validation, epoch 1: 0.75",
    };
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        if (!strstr(text_string(&live), shown[i]))
            fail_msg("the page lacks '%s':\n%s", shown[i], text_string(&live));
    assert_null(strstr(text_string(&live), "nan"));

    tell(&history, &feed, EVENT_END, false,
         "{\"event\": \"end\", \"seconds\": 41, \"status\": 130, \"text\": \"stopped\"}\n");
    tell(&history, &feed, WEB_REPORT, false, "runs/M-1/report.html");
    Text ended = {.arena = arena};
    web_page_live(&page, &history, &ended);
    assert_non_null(strstr(text_string(&ended), "<td>interrupted: stopped</td>"));
    assert_non_null(strstr(text_string(&ended), "<td>runs/M-1/report.html</td>"));
    assert_null(strstr(text_string(&ended), "time left"));
    web_history_close(&history);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_its_reader_is_answered),  cmocka_unit_test(ports_are_numbers),
        cmocka_unit_test(a_port_is_had_once),           cmocka_unit_test(steps_are_left_out_first),
        cmocka_unit_test(threads_hand_over_in_order),   cmocka_unit_test(long_trainings_are_thinned),
        cmocka_unit_test(the_page_shows_what_was_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
