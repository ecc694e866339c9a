#include "compiler/commands/run_mistakes.h"

#include <limits.h>
#include <string.h>

#include "compiler/commands/data_cell.h"
#include "runtime/data/look.h"

/* The folder of the data is told in another way from where they were trained on. */
static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool read_cell(Arena *arena, const CnnData *data, const JsonObject *line, SheetCell *cell)
{
    char name[PATH_MAX];
    const float *black = NULL, *white = NULL;
    bool unreadable;
    Picture picture = {0};
    CnnError reason = {0};
    Part part = strcmp(json_object_text(line, "part"), "test") == 0 ? PART_TEST : PART_VALIDATION;
    double index = json_object_number(line, "index");
    if (!(index >= 0 && index < (double)cnn_data_count(data, part)))
        return false;
    PartSample sample = {part, (int64_t)index};
    cnn_data_name(data, part, sample.index, name, sizeof name);
    int64_t class_index = (int64_t)cnn_data_label(data, sample);
    if (strcmp(file_name(name), file_name(json_object_text(line, "sample"))) != 0 ||
        strcmp(cnn_data_class_name(data, class_index), json_object_text(line, "class")) != 0)
        return false; /* the data have changed since */
    bool ranged = cnn_data_stored_range(data, &black, &white),
         good = cnn_data_stored(data, sample, &picture, &unreadable, &reason) == CNN_OK;
    if (good)
        *cell = data_cell(arena, &picture, ranged ? black : NULL, white, false);
    picture_free(&picture);
    return good;
}

RunMistakes run_mistakes(Arena *arena, const JsonObjects *lines, const CnnData *data)
{
    RunMistakes mistakes = {0};
    for (size_t i = 0; i < lines->count; i++) {
        RunMistake *mistake = vec_push(arena, &mistakes);
        mistake->line = lines->items[i];
        mistake->shown = data && read_cell(arena, data, &mistake->line, &mistake->cell);
    }
    return mistakes;
}
