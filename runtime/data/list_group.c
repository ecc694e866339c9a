/* Groups of a list: a column of its table. It is read when it is asked for, since few trainings do. */
#include <stdlib.h>

#include "runtime/data/group.h"
#include "runtime/data/list.h"

/* The texts of column `by`, of the rows that are divided, in their order. */
static CnnStatus list_group_names(const ListSource *list, Csv *csv, const char *by, Listing *names,
                                  CnnError *error)
{
    char path[NAME_BYTES], shown[NAME_BYTES];
    int column, parts = -1;
    bool found;
    TRY(list_open_table(list, csv, error));
    TRY(list_column(csv, by, &column, error));
    if (list->args->part)
        TRY(list_column(csv, list->args->part, &parts, error));
    TRY(csv_next(csv, &found, error));
    while (found) {
        unsigned char part = PART_TRAIN;
        if (csv->field[column][0] == '\0')
            return cnn_fail(error, CNN_BAD_INPUT, "%s:%lld: the column '%s' is empty",
                            name_printable(list->table, path), (long long)csv->line,
                            name_printable(by, shown));
        if (parts < 0 || (list_part(csv->field[parts], &part) && part == PART_TRAIN))
            TRY(listing_add(names, "", csv->field[column], error));
        TRY(csv_next(csv, &found, error));
    }
    return CNN_OK;
}

CnnStatus list_group(Source *source, const char *by, int64_t *group, int64_t *groups, CnnError *error)
{
    const ListSource *list = (const ListSource *)source;
    char path[NAME_BYTES];
    Listing names = {0};
    Csv *csv = calloc(1, sizeof *csv);
    if (!csv)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to read '%s'", list->args->table);
    CnnStatus status = list_group_names(list, csv, by, &names, error);
    if (status == CNN_OK && (int64_t)names.count != source->info.count)
        status = cnn_fail(error, CNN_BAD_INPUT, "%s: the table changed while it was read",
                          name_printable(list->table, path));
    if (status == CNN_OK)
        status = group_number(&names, group, groups, error);
    csv_close(csv);
    free(csv);
    listing_free(&names);
    return status;
}
