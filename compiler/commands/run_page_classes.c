#include "compiler/commands/run_page_classes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/commands/html.h"

enum { MATRIX_CLASSES = 32, ROWS = 50, TAKEN = 3 };

typedef struct {
    const char *name;
    int64_t samples, right;
} ClassRow;

typedef struct {
    int class_index, answer;
    int64_t samples;
} Count;

typedef struct {
    Arena *arena;
    VEC(ClassRow) rows; /* in the order in which they are first named */
    VEC(Count) counts;
} Table;

static int row_of(Table *table, const char *name)
{
    for (size_t i = 0; i < table->rows.count; i++)
        if (strcmp(table->rows.items[i].name, name) == 0)
            return (int)i;
    *vec_push(table->arena, &table->rows) = (ClassRow){.name = name};
    return (int)table->rows.count - 1;
}

static void read_lines(Table *table, const JsonObjects *lines)
{
    for (size_t i = 0; i < lines->count; i++) /* in the order of the classes */
        row_of(table, json_object_text(&lines->items[i], "class"));
    for (size_t i = 0; i < lines->count; i++) {
        const JsonObject *line = &lines->items[i];
        double samples = json_object_number(line, "samples");
        if (!(samples >= 1 && samples < 1e15))
            continue;
        Count count = {row_of(table, json_object_text(line, "class")),
                       row_of(table, json_object_text(line, "answer")), (int64_t)samples};
        ClassRow *row = &table->rows.items[count.class_index];
        row->samples += count.samples;
        row->right += count.class_index == count.answer ? count.samples : 0;
        *vec_push(table->arena, &table->counts) = count;
    }
}

static double share(const ClassRow *row)
{
    return row->samples ? (double)row->right / (double)row->samples : 2;
}

static int worst_first(const void *a, const void *b)
{
    const ClassRow *x = a, *y = b;
    return (share(x) > share(y)) - (share(x) < share(y));
}

/* What samples of a class were taken for most often. */
static void put_taken(const Table *table, int class_index, Text *out)
{
    int64_t below = INT64_MAX;
    int after = -1; /* of several that were as often, those behind it are next */
    for (int shown = 0; shown < TAKEN; shown++) {
        const Count *most = NULL;
        for (size_t i = 0; i < table->counts.count; i++) {
            const Count *count = &table->counts.items[i];
            bool next = count->samples < below || (count->samples == below && count->answer > after);
            if (count->class_index == class_index && count->answer != class_index && next &&
                (!most || count->samples > most->samples ||
                 (count->samples == most->samples && count->answer < most->answer)))
                most = count;
        }
        if (!most)
            return;
        text_printf(out, shown ? ", " : "");
        html_text(out, table->rows.items[most->answer].name);
        text_printf(out, " (%" PRId64 ")", most->samples);
        below = most->samples;
        after = most->answer;
    }
}

static void put_table(Table *table, const char *part, Text *out)
{
    size_t count = table->rows.count, shown = count < ROWS ? count : ROWS;
    ClassRow *sorted = NEW_ARRAY(table->arena, ClassRow, count);
    memcpy(sorted, table->rows.items, count * sizeof *sorted);
    if (shown < count)
        qsort(sorted, count, sizeof *sorted, worst_first);
    text_printf(out, "<h2>Classes of the ");
    html_text(out, part);
    text_printf(out, " part</h2>\n<div class=\"wide\"><table>\n<tr><th>class</th><th class=\"n\">samples</th>"
                     "<th class=\"n\">right</th><th>taken for</th></tr>\n");
    for (size_t i = 0; i < shown; i++) {
        const ClassRow *row = &sorted[i];
        text_printf(out, "<tr><td>");
        html_text(out, row->name);
        text_printf(out, "</td><td class=\"n\">%" PRId64 "</td><td class=\"n\">", row->samples);
        if (row->samples)
            text_printf(out, "%.1f %%", 100 * share(row));
        text_printf(out, "</td><td>");
        put_taken(table, row_of(table, row->name), out);
        text_printf(out, "</td></tr>\n");
    }
    text_printf(out, "</table></div>\n");
    if (shown < count)
        text_printf(out, "<p class=\"soft\">and %zu more, which are right more often</p>\n", count - shown);
}

static void put_matrix(const Table *table, Text *out)
{
    size_t count = table->rows.count;
    int64_t *cells = NEW_ARRAY(table->arena, int64_t, count * count);
    for (size_t i = 0; i < table->counts.count; i++)
        cells[(size_t)table->counts.items[i].class_index * count + (size_t)table->counts.items[i].answer] +=
            table->counts.items[i].samples;
    text_printf(
        out,
        "<h2>Which class was taken for which</h2>\n<div class=\"wide\"><table class=\"matrix\">\n<tr><th>"
        "class \\ answer</th>");
    for (size_t k = 0; k < count; k++) {
        text_printf(out, "<th>");
        html_text(out, table->rows.items[k].name);
        text_printf(out, "</th>");
    }
    text_printf(out, "</tr>\n");
    for (size_t i = 0; i < count; i++) {
        text_printf(out, "<tr><th>");
        html_text(out, table->rows.items[i].name);
        text_printf(out, "</th>");
        for (size_t k = 0; k < count; k++) {
            int64_t cell = cells[i * count + k];
            if (cell == 0)
                text_printf(out, "<td></td>");
            else
                text_printf(out, "<td style=\"background:rgba(var(--%s),%.2f)\">%" PRId64 "</td>",
                            i == k ? "right" : "wrong",
                            0.1 + 0.6 * (double)cell / (double)table->rows.items[i].samples, cell);
        }
        text_printf(out, "</tr>\n");
    }
    text_printf(out, "</table></div>\n");
}

void run_page_classes(Arena *arena, const JsonObjects *lines, Text *out)
{
    Table table = {.arena = arena};
    read_lines(&table, lines);
    if (table.counts.count == 0)
        return;
    put_table(&table, json_object_text(&lines->items[0], "part"), out);
    if (table.rows.count <= MATRIX_CLASSES)
        put_matrix(&table, out);
}
