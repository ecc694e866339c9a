/* Reading CSV. A row is taken apart in place: quotes are removed, and each field is ended by a NUL where its
 * separator was. */
#include "runtime/data/csv.h"

#include <string.h>

static CnnStatus csv_fail(const Csv *csv, int64_t line, const char *text, CnnError *error)
{
    char name[NAME_BYTES];
    return cnn_fail(error, CNN_BAD_INPUT, "%s:%lld: %s", name_printable(csv->path, name), (long long)line,
                    text);
}

/* The separator of the row of names: what there is most of outside quotes. */
static char csv_find_separator(const char *row)
{
    static const char separators[] = ",;\t";
    size_t count[sizeof separators - 1] = {0}, best = 0;
    bool quoted = false;
    for (; *row && (quoted || (*row != '\n' && *row != '\r')); row++) {
        const char *separator = quoted ? NULL : strchr(separators, *row);
        if (*row == '"')
            quoted = !quoted;
        else if (separator)
            count[separator - separators]++;
    }
    for (size_t i = 1; i < sizeof count / sizeof *count; i++)
        if (count[i] > count[best])
            best = i;
    return separators[best];
}

/* Takes a field in quotes, from behind the first one; *end: where its text ends, which is not yet marked. */
static CnnStatus csv_quoted(Csv *csv, char **end, CnnError *error)
{
    char *to = csv->at;
    int64_t opened = csv->next_line;
    for (; *csv->at; csv->at++) {
        if (*csv->at == '"' && *++csv->at != '"') {
            *end = to;
            return CNN_OK;
        }
        csv->next_line += *csv->at == '\n';
        *to++ = *csv->at;
    }
    return csv_fail(csv, opened, "a quote is opened and never closed", error);
}

/* Takes a field; *last: it ends the row. */
static CnnStatus csv_field(Csv *csv, char **field, bool *last, CnnError *error)
{
    char *end = csv->at;
    if (*csv->at == '"') {
        *field = ++csv->at;
        TRY(csv_quoted(csv, &end, error));
    } else {
        *field = csv->at;
        while (*csv->at && *csv->at != csv->separator && *csv->at != '\n' && *csv->at != '\r')
            csv->at++;
        end = csv->at;
    }
    char after = *csv->at;
    *last = after != csv->separator;
    if (after && after != csv->separator && after != '\n' && after != '\r')
        return csv_fail(csv, csv->next_line, "text follows the closing quote of a field", error);
    if (after)
        csv->at++;
    if (after == '\r' && *csv->at == '\n')
        csv->at++;
    csv->next_line += after == '\n' || after == '\r';
    *end = '\0';
    return CNN_OK;
}

/* The next row that is not empty; *columns: its fields, 0 at the end. */
static CnnStatus csv_row(Csv *csv, int *columns, CnnError *error)
{
    *columns = 0;
    while (*csv->at == '\n' || *csv->at == '\r') {
        csv->next_line += *csv->at == '\n' || csv->at[1] != '\n';
        csv->at++;
    }
    csv->line = csv->next_line;
    for (bool last = *csv->at == '\0'; !last;) {
        if (*columns == CSV_COLUMNS_MOST)
            return csv_fail(csv, csv->line, "more columns than any table of pictures has", error);
        TRY(csv_field(csv, &csv->field[(*columns)++], &last, error));
    }
    return CNN_OK;
}

/* The text is there: the row of names. */
static CnnStatus csv_begin(Csv *csv, size_t size, CnnError *error)
{
    char name[NAME_BYTES];
    char *text = (char *)csv->text.data;
    text[size] = '\0';
    if (size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
        return cnn_fail(error, CNN_BAD_INPUT, "%s: text in UTF-16: save it as UTF-8",
                        name_printable(csv->path, name));
    if (strlen(text) != size)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: not a table of text: it holds zero bytes",
                        name_printable(csv->path, name));
    csv->at = text + (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0);
    csv->next_line = 1;
    csv->separator = csv_find_separator(csv->at + strspn(csv->at, "\r\n"));
    TRY(csv_row(csv, &csv->columns, error));
    if (csv->columns == 0)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: the table is empty", name_printable(csv->path, name));
    return CNN_OK;
}

CnnStatus csv_open(Csv *csv, const char *path, const void *bytes, size_t size, CnnError *error)
{
    csv->path = path;
    csv->text = (Bytes){0};
    TRY(bytes_reserve(&csv->text, size + 1, error));
    if (size)
        memcpy(csv->text.data, bytes, size);
    return csv_begin(csv, size, error);
}

void csv_close(Csv *csv)
{
    bytes_free(&csv->text);
}

int csv_column(const Csv *csv, const char *name)
{
    int found = -1;
    for (int i = 0; i < csv->columns; i++)
        if (strcmp(csv->field[i], name) == 0)
            found = found == -1 ? i : -2;
    return found;
}

CnnStatus csv_next(Csv *csv, bool *found, CnnError *error)
{
    char name[NAME_BYTES];
    int columns;
    TRY(csv_row(csv, &columns, error));
    *found = columns > 0;
    if (columns == 0 || columns == csv->columns)
        return CNN_OK;
    return cnn_fail(error, CNN_BAD_INPUT, "%s:%lld: %d fields, but the first row names %d columns",
                    name_printable(csv->path, name), (long long)csv->line, columns, csv->columns);
}
