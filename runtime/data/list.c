/* Pictures and labels named by a table. Classes are numbered by their names, as labels.h says. */
#include <stdlib.h>
#include <string.h>

#include "runtime/data/list.h"
#include "runtime/data/loose.h"
#include "runtime/file.h"

/* The order of the words of `values`. */
enum { VALUES_CLASSES, VALUES_NUMBERS };

static const Field list_fields[] = {
    FIELD(ListArgs, table, FIELD_TEXT, .path = true, .doc = "CSV file whose first row names the columns"),
    FIELD(ListArgs, image, FIELD_TEXT, .named_only = true, .doc = "column of the pictures' paths"),
    FIELD(ListArgs, label, FIELD_TEXT, .named_only = true, .doc = "column of the labels"),
    FIELD(ListArgs, root, FIELD_TEXT, .path = true, .preset = "", .named_only = true,
          .doc = "folder that relative paths start from; the table's own when absent"),
    FIELD(ListArgs, ending, FIELD_TEXT, .preset = "", .named_only = true,
          .doc = "what the paths in the table lack at their end, such as .jpg"),
    FIELD(ListArgs, part, FIELD_TEXT, .preset = "", .named_only = true,
          .doc = "column that says train, validation or test"),
    FIELD(ListArgs, values, FIELD_WORD, .preset = "classes", .words = "classes numbers", .named_only = true,
          .doc = "classes: labels are names of classes; numbers: they are learnt as numbers"),
    PICTURES_CHANNELS_FIELD(ListArgs),
    FIELDS_END,
};
const Schema list_schema = {
    .word = "list",
    .doc = "Pictures and their labels named by a table: CSV, separated by commas, semicolons or tabs. "
           "Classes are "
           "numbered by value where all labels are whole numbers, otherwise by their names in byte order.",
    .source = "RFC 4180",
    .places = IN_DATA | IN_SOURCE,
    .fields = list_fields,
    .args_bytes = sizeof(ListArgs),
    .example = "list \"labels.csv\", image=\"file\", label=\"species\", root=\"photos\"",
};

/* The rows of the table, while the source opens. */
typedef struct {
    Csv csv;
    int image, label, part; /* columns; part -1: none */
    Listing labels;         /* the text of each row */
    struct {
        unsigned char part;
        int64_t line;
    } * row;
    size_t room;
} ListTable;

CnnStatus list_column(const Csv *csv, const char *column, int *number, CnnError *error)
{
    char name[NAME_BYTES], wanted[NAME_BYTES], names[NAMES_BYTES] = "";
    *number = csv_column(csv, column);
    if (*number >= 0)
        return CNN_OK;
    if (*number == -2)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: several columns are called '%s'",
                        name_printable(csv->path, name), name_printable(column, wanted));
    for (int i = 0; i < csv->columns; i++)
        names_add(names, csv->field[i]);
    return cnn_fail(error, CNN_BAD_INPUT, "%s: has no column '%s'; it has %s",
                    name_printable(csv->path, name), name_printable(column, wanted), names);
}

bool list_part(const char *text, unsigned char *part)
{
    static const char *const words[PART_COUNT] = {[PART_TRAIN] = "train training",
                                                  [PART_VALIDATION] = "validation valid val",
                                                  [PART_TEST] = "test testing"};
    for (int p = 0; p < PART_COUNT; p++)
        if (words_find(words[p], text) >= 0) {
            *part = (unsigned char)p;
            return true;
        }
    return false;
}

/* Takes one row. */
static CnnStatus list_add(ListSource *list, const ListArgs *args, ListTable *table, CnnError *error)
{
    const Csv *csv = &table->csv;
    char name[NAME_BYTES], shown[NAME_BYTES], path[PATH_MAX];
    const char *image = csv->field[table->image], *label = csv->field[table->label], *ending = args->ending;
    size_t row = table->labels.count;
    unsigned char part = PART_TRAIN;
    if (*image == '\0' || *label == '\0')
        return cnn_fail(error, CNN_BAD_INPUT, "%s:%lld: the column '%s' is empty",
                        name_printable(csv->path, name), (long long)csv->line,
                        name_printable(*image ? args->label : args->image, shown));
    if (*image == '/' && list->pictures.members.tree != &file_tree)
        return cnn_fail(error, CNN_BAD_INPUT, "%s:%lld: '%s' begins with '/', which leads out of the archive",
                        name_printable(csv->path, name), (long long)csv->line, name_printable(image, shown));
    if (table->part >= 0 && !list_part(csv->field[table->part], &part))
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%s:%lld: the part is '%s'; train, validation or test is needed",
                        name_printable(csv->path, name), (long long)csv->line,
                        name_printable(csv->field[table->part], shown));
    if (snprintf(path, sizeof path, "%s%s", image, ending ? ending : "") >= (int)sizeof path)
        return cnn_fail(error, CNN_BAD_INPUT, "%s:%lld: the path is too long",
                        name_printable(csv->path, name), (long long)csv->line);
    if (row == table->room) {
        size_t room = 2 * table->room + 1024;
        void *more = realloc(table->row, room * sizeof *table->row);
        if (!more)
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %zu rows", room);
        table->row = more;
        table->room = room;
    }
    table->row[row].part = part;
    table->row[row].line = csv->line;
    TRY(listing_add(&table->labels, "", label, error));
    return listing_add(&list->pictures.members.paths, "", path, error);
}

static void list_tell_classes(ListSource *list)
{
    list->source.info.classes = (int64_t)list->classes.names.count;
    list->source.info.class_names = list->classes.name;
}

/* Collects the classes of the training part. */
static CnnStatus list_classes(ListSource *list, const ListTable *table, CnnError *error)
{
    char name[NAME_BYTES];
    size_t rows = table->labels.count, count = 0;
    const char **label = malloc(rows * sizeof *label);
    if (!label)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %zu labels", rows);
    for (size_t i = 0; i < rows; i++)
        if (table->row[i].part == PART_TRAIN)
            label[count++] = listing_name(&table->labels, i);
    CnnStatus status = count > 0 ? class_names_make(&list->classes, label, count, table->csv.path,
                                                    "values=numbers learns them", error)
                                 : cnn_fail(error, CNN_BAD_INPUT, "%s: no row belongs to the training part",
                                            name_printable(table->csv.path, name));
    free(label);
    if (status == CNN_OK)
        list_tell_classes(list);
    return status;
}

/* The label of row `row` becomes that of sample `sample`. */
static CnnStatus list_set_label(ListSource *list, const ListTable *table, size_t row, size_t sample,
                                CnnError *error)
{
    char name[NAME_BYTES], shown[NAME_BYTES];
    const char *label = listing_name(&table->labels, row);
    double value;
    if (list->real_label) {
        if (!text_is_real(label, &value))
            return cnn_fail(error, CNN_BAD_INPUT, "%s:%lld: the label '%s' is not a finite number",
                            name_printable(table->csv.path, name), (long long)table->row[row].line,
                            name_printable(label, shown));
        list->real_label[sample] = (float)value;
        return CNN_OK;
    }
    int32_t found = class_names_find(&list->classes, label);
    if (found < 0)
        return cnn_fail(error, CNN_BAD_INPUT, "%s:%lld: the class '%s' does not occur in the training part",
                        name_printable(table->csv.path, name), (long long)table->row[row].line,
                        name_printable(label, shown));
    list->class_label[sample] = found;
    return CNN_OK;
}

/* Brings the samples into the order of the parts, in that of the rows within each, and sets their labels. */
static CnnStatus list_arrange(ListSource *list, const ListTable *table, CnnError *error)
{
    Listing *paths = &list->pictures.members.paths;
    SourceInfo *info = &list->source.info;
    int64_t *const count[PART_COUNT] = {&info->count, &info->validation_count, &info->test_count};
    size_t *at = malloc(paths->count_room * sizeof *at), sample = 0;
    if (!at)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %zu rows", paths->count);
    CnnStatus status = CNN_OK;
    for (int part = 0; part < PART_COUNT; part++)
        for (size_t row = 0; row < paths->count && status == CNN_OK; row++)
            if (table->row[row].part == part) {
                at[sample] = paths->at[row];
                ++*count[part];
                status = list_set_label(list, table, row, sample++, error);
            }
    free(paths->at);
    paths->at = at;
    paths->count = sample;
    return status;
}

CnnStatus list_open_table(const ListSource *list, Csv *csv, CnnError *error)
{
    const Tree *tree = list->pictures.members.tree;
    Bytes file = {0};
    CnnStatus status = tree->load(tree, list->table, &file, error);
    if (status == CNN_OK)
        status = csv_open(csv, list->table, file.data, file.size, error);
    bytes_free(&file);
    return status;
}

static CnnStatus list_read_table(ListSource *list, const ListArgs *args, ListTable *table, CnnError *error)
{
    char name[NAME_BYTES];
    bool found = true;
    TRY(list_open_table(list, &table->csv, error));
    TRY(list_column(&table->csv, args->image, &table->image, error));
    TRY(list_column(&table->csv, args->label, &table->label, error));
    table->part = -1;
    if (args->part)
        TRY(list_column(&table->csv, args->part, &table->part, error));
    TRY(csv_next(&table->csv, &found, error));
    for (; found;) {
        TRY(list_add(list, args, table, error));
        TRY(csv_next(&table->csv, &found, error));
    }
    size_t rows = table->labels.count;
    if (rows == 0)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: no row follows the names of the columns",
                        name_printable(list->table, name));
    bool numbers = args->values == VALUES_NUMBERS;
    void *labels = malloc(rows * sizeof(float));
    *(numbers ? (void **)&list->real_label : (void **)&list->class_label) = labels;
    if (!labels)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %zu labels", rows);
    if (!numbers)
        TRY(list_classes(list, table, error));
    return list_arrange(list, table, error);
}

/* Reads the table, and finds all that it says. */
static CnnStatus list_find(ListSource *list, const ListArgs *args, CnnError *error)
{
    ListTable *table = calloc(1, sizeof *table);
    if (!table)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open '%s'", args->table);
    CnnStatus status = list_read_table(list, args, table, error);
    csv_close(&table->csv);
    listing_free(&table->labels);
    free(table->row);
    free(table);
    return status;
}

/* What is found in a table depends on these arguments. */
static Key list_key(const ListSource *list, const ListArgs *args)
{
    const char *const texts[] = {args->image, args->label, args->ending, args->part};
    Key key = key_add_number(source_index_key("list", list->table), args->values);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        key = key_add_text(key, texts[i] ? texts[i] : "");
    return key;
}

static CnnStatus list_take(ListSource *list, const ListArgs *args, const SourceFound *found, CnnError *error)
{
    SourceInfo *info = &list->source.info;
    bool numbers = args->values == VALUES_NUMBERS;
    *(numbers ? (void **)&list->real_label : (void **)&list->class_label) = found->label;
    list->classes.names = found->classes;
    info->count = found->count[PART_TRAIN];
    info->validation_count = found->count[PART_VALIDATION];
    info->test_count = found->count[PART_TEST];
    if (numbers)
        return CNN_OK;
    TRY(class_names_take(&list->classes, error));
    list_tell_classes(list);
    return CNN_OK;
}

/* Finds what a table in the file system says, in its index or by reading it. */
static CnnStatus list_recall(ListSource *list, const ListArgs *args, CnnError *error)
{
    Members *members = &list->pictures.members;
    SourceInfo *info = &list->source.info;
    Key key = list_key(list, args);
    Watch watch = {0};
    SourceFound found;
    struct stat state;
    members_take_index(members, source_index_recall(key, list->table, &found), info);
    if (members->index)
        return list_take(list, args, &found, error);
    bool watched = stat(list->table, &state) == 0;
    CnnStatus status = watched ? watch_add(&watch, list->table, &state, error) : CNN_OK;
    if (status == CNN_OK)
        status = list_find(list, args, error);
    if (status == CNN_OK && watched) {
        found = (SourceFound){.count = {info->count, info->validation_count, info->test_count},
                              .classes = list->classes.names,
                              .label = list->real_label ? (void *)list->real_label : list->class_label};
        members_take_index(members, source_index_keep(key, list->table, &found, &members->paths, &watch),
                           info);
    }
    watch_free(&watch);
    return status;
}

static CnnStatus list_load(ListSource *list, const ListArgs *args, const char *base, CnnError *error)
{
    char *path = list->table;
    const Tree *tree = list->pictures.members.tree;
    list->args = args;
    TRY(tree->resolve(tree, base, args->table, path, error));
    TRY((tree == &file_tree ? list_recall : list_find)(list, args, error));
    if (args->root)
        return tree->resolve(tree, base, args->root, list->pictures.members.root, error);
    size_t folder = cnn_path_folder(path);
    snprintf(list->pictures.members.root, sizeof list->pictures.members.root, "%.*s",
             (int)(folder > 1 ? folder - 1 : folder), path);
    return CNN_OK;
}

static CnnStatus list_sample(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                             Picture *out, CnnError *error)
{
    return pictures_read(&((const ListSource *)source)->pictures, index, want_height, want_width, out, error);
}

static double list_label(Source *source, int64_t index)
{
    const ListSource *list = (const ListSource *)source;
    return list->real_label ? list->real_label[index] : list->class_label[index];
}

static void list_name(Source *source, int64_t index, char *out, size_t bytes)
{
    members_name(&((const ListSource *)source)->pictures.members, index, out, bytes);
}

static void list_stamp(Source *source, Stamp *stamp)
{
    members_stamp(&((const ListSource *)source)->pictures.members, stamp);
}

static void list_close(Source *source)
{
    ListSource *list = (ListSource *)source;
    members_free(&list->pictures.members);
    class_names_free(&list->classes);
    free(list->class_label);
    free(list->real_label);
    free(list);
}

static CnnStatus list_open(const void *args, const Tree *tree, const char *base, Source **out,
                           CnnError *error)
{
    const ListArgs *list_args = args;
    ListSource *list = calloc(1, sizeof *list);
    if (!list)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open '%s'", list_args->table);
    list->source = (Source){.read = list_sample,
                            .label = list_label,
                            .group = list_group,
                            .name = list_name,
                            .stamp = list_stamp,
                            .close = list_close};
    list->source.info = (SourceInfo){.ranged = true, .low = 0, .high = 255};
    list->pictures.members.tree = tree;
    list->pictures.channels = pictures_channels(list_args->channels);
    CnnStatus status = list_load(list, list_args, base, error);
    if (status == CNN_OK)
        status = pictures_look(&list->pictures, list->table, error);
    if (status == CNN_OK)
        status = pictures_find_channels(&list->pictures, list->source.info.count, error);
    list->source.info.channels = list->pictures.channels;
    if (status == CNN_OK)
        *out = &list->source;
    else
        list_close(&list->source);
    return status;
}

const SourceKind source_list = {
    .schema = &list_schema, .libraries = LIBRARY_FORMATS, .open_in = list_open, .loose = loose_as_pictures};
