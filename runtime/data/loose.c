/* Finding loose files, and what they are to become. */
#include "runtime/data/loose.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/data/pipeline.h"
#include "runtime/text_stream.h"

enum { SIDE_MOST = 1 << 27, CHANNELS_MOST = 1 << 24 };

/* ---- What the training's samples were ---- */

void cnn_data_form_text(const CnnData *data, char out[SAMPLE_FORM_BYTES])
{
    const SourceInfo *info = &data->source->info;
    int used = snprintf(out, SAMPLE_FORM_BYTES, "%" PRId64 "x%" PRId64 "x%" PRId64, data->height, data->width,
                        info->channels);
    if (info->ranged)
        snprintf(out + used, SAMPLE_FORM_BYTES - (size_t)used, " %.17g %.17g", info->low, info->high);
}

static bool read_form(const char *text, SampleForm *form)
{
    int values = sscanf(text, "%" SCNd64 "x%" SCNd64 "x%" SCNd64 " %lf %lf", &form->height, &form->width,
                        &form->channels, &form->low, &form->high);
    form->ranged = values == 5;
    return (values == 3 || values == 5) && form->height >= 0 && form->height <= SIDE_MOST &&
           form->width >= 0 && form->width <= SIDE_MOST && form->channels >= 1 &&
           form->channels <= CHANNELS_MOST;
}

/* Takes the names, each followed by a line's end. */
static CnnStatus take_names(LooseFiles *files, const char *text, CnnError *error)
{
    for (const char *end = text; (end = strchr(end, '\n')); end++)
        files->classes++;
    files->names = strdup(text);
    files->class_names = calloc((size_t)files->classes + 1, sizeof *files->class_names);
    if (!files->names || !files->class_names)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the names of %" PRId64 " classes",
                        files->classes);
    char *at = files->names;
    for (int64_t c = 0; c < files->classes; c++) {
        files->class_names[c] = at;
        at = strchr(at, '\n');
        *at++ = '\0';
    }
    return CNN_OK;
}

char *cnn_data_names_text(const CnnData *data)
{
    char name[NAME_BYTES];
    TextStream stream;
    if (!cnn_text_open(&stream))
        return NULL;
    for (int64_t c = 0; c < cnn_data_classes(data); c++)
        fprintf(stream.out, "%s\n", name_printable(cnn_data_class_name(data, c), name));
    return cnn_text_close(&stream, NULL);
}

/* Weights that are older than this metadata: the data of the training tell. */
static CnnStatus ask_data(const CnnRecipe *recipe, LooseFiles *files, const char *names, CnnError *error)
{
    CnnData *data;
    CnnError cause = {0};
    char text[SAMPLE_FORM_BYTES];
    CnnStatus status = cnn_data_open(recipe, &data, &cause);
    if (status != CNN_OK)
        return cnn_fail(
            error, status,
            "'%s' does not tell what the training's samples were, as weights do that this version "
            "has saved, and so the data must be there: %s",
            files->request->weights_path, cause.text);
    char *of_data = cnn_data_names_text(data);
    cnn_data_form_text(data, text);
    read_form(text, &files->form);
    status = of_data ? take_names(files, names ? names : of_data, error)
                     : cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the names of classes");
    free(of_data);
    cnn_data_close(data);
    return status;
}

static CnnStatus loose_learn(const CnnRecipe *recipe, LooseFiles *files, CnnError *error)
{
    const LooseRequest *request = files->request;
    const char *form = cnn_weights_metadata(request->weights, SAMPLE_FORM_KEY),
               *names = cnn_weights_metadata(request->weights, CLASSES_KEY);
    if (!form)
        return ask_data(recipe, files, names, error);
    if (!read_form(form, &files->form))
        return cnn_fail(error, CNN_BAD_INPUT, "'%s': its '" SAMPLE_FORM_KEY "' is damaged",
                        request->weights_path);
    return names ? take_names(files, names, error) : CNN_OK;
}

CnnStatus loose_size(const LooseFiles *files, int64_t *height, int64_t *width, CnnError *error)
{
    *height = files->form.height;
    *width = files->form.width;
    if (*height > 0)
        return CNN_OK;
    return cnn_fail(
        error, CNN_BAD_INPUT,
        "the samples that '%s' was trained on differed in size, and the model has no 'resize' now",
        files->request->weights_path);
}

CnnStatus loose_size_stage(const LooseFiles *files, Transform *stage, CnnError *error)
{
    const NamedTensor *found = cnn_weights_find(files->request->weights, stage->fit->sized_by);
    if (!found || found->rank != 1)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' lacks '%s', which a training measures",
                        files->request->weights_path, stage->fit->sized_by);
    return stage->fit->size(stage, found->dim[0], error);
}

/* ---- The files ---- */

static CnnStatus add_folder(LooseFiles *files, const LooseKind *kind, const char *path, CnnError *error)
{
    char folder[PATH_MAX], name[NAME_BYTES];
    Listing below = {0};
    size_t others, length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    if (length >= sizeof folder)
        return cnn_fail(error, CNN_BAD_INPUT, "the path of '%s' is too long", name_printable(path, name));
    memcpy(folder, path, length);
    folder[length] = '\0';
    CnnStatus status = listing_read_tree(&below, folder, kind->wanted, &others, error);
    if (status == CNN_OK && below.count == 0)
        status = cnn_fail(error, CNN_BAD_INPUT, "the folder '%s' holds no %s", name_printable(folder, name),
                          kind->many);
    for (size_t i = 0; i < below.count && status == CNN_OK; i++)
        status = listing_add(&files->paths, folder, listing_name(&below, i), error);
    listing_free(&below);
    return status;
}

/* A file that is not there is told of when it is read, as any other that cannot be. */
static CnnStatus add_path(LooseFiles *files, const LooseKind *kind, const char *path, CnnError *error)
{
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return add_folder(files, kind, path, error);
    return listing_add(&files->paths, "", path, error);
}

static CnnStatus add_list(LooseFiles *files, const LooseKind *kind, FILE *in, CnnError *error)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    CnnStatus status = CNN_OK;
    while (status == CNN_OK && (length = getline(&line, &room, in)) >= 0) {
        if (strlen(line) != (size_t)length)
            status =
                cnn_fail(error, CNN_BAD_INPUT,
                         "the list on the standard input has a zero byte: it is to have one path a line");
        length -= length > 0 && line[length - 1] == '\n';
        length -= length > 0 && line[length - 1] == '\r';
        line[length] = '\0';
        if (status == CNN_OK && length > 0)
            status = add_path(files, kind, line, error);
    }
    free(line);
    return status;
}

static CnnStatus loose_find(LooseFiles *files, const LooseKind *kind, CnnError *error)
{
    const LooseRequest *request = files->request;
    for (int i = 0; i < request->count; i++)
        TRY(strcmp(request->paths[i], "-") == 0 ? add_list(files, kind, stdin, error)
                                                : add_path(files, kind, request->paths[i], error));
    if (files->paths.count > 0)
        return CNN_OK;
    return cnn_fail(error, CNN_BAD_INPUT,
                    "no file is named: a prediction takes files, folders, or - for a list "
                    "on the standard input");
}

/* The source that reads the samples: in an archive the one within. */
static const CnnStatement *innermost(const CnnStatement *source)
{
    while (source && source_kind_of(source->schema) && source_kind_of(source->schema)->open_around &&
           source->body.count == 1)
        source = source->body.items;
    return source;
}

static CnnStatus loose_choose(const CnnStatement *source, const LooseFiles *files, const LooseKind **kind,
                              CnnError *error)
{
    const SourceKind *of = source ? source_kind_of(source->schema) : NULL;
    *kind = of && of->loose ? of->loose(&files->form) : NULL;
    if (!source)
        *kind =
            loose_as_pictures(&files->form) ? loose_as_pictures(&files->form) : loose_as_values(&files->form);
    if (*kind)
        return CNN_OK;
    return cnn_fail(error, CNN_BAD_INPUT,
                    "files cannot be predicted here: the training's samples, of '%s', had %" PRId64
                    " channels, as no picture has them",
                    source->schema->word, files->form.channels);
}

static CnnStatus unread_sample(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                               Picture *out, CnnError *error)
{
    (void)source, (void)index, (void)want_height, (void)want_width, (void)out;
    return cnn_fail(error, CNN_BAD_INPUT, "there is no sample");
}

static void unread_close(Source *source)
{
    free(source);
}

/* In place of what reads files, where none is asked about. */
static CnnStatus open_unread(const LooseFiles *files, Source **out, CnnError *error)
{
    const SampleForm *form = &files->form;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open the data");
    **out = (Source){.read = unread_sample, .label = loose_label, .close = unread_close};
    (*out)->info = (SourceInfo){.height = form->height,
                                .width = form->width,
                                .channels = form->channels,
                                .ranged = form->ranged,
                                .low = form->low,
                                .high = form->high};
    return CNN_OK;
}

/* Kinds that no file can be read as are good enough where none is read. */
static CnnStatus open_files(const CnnStatement *source, LooseFiles *files, Source **out, CnnError *error)
{
    const LooseKind *kind;
    CnnStatus status = loose_choose(source, files, &kind, error);
    if (!files->request->paths && !kind)
        return open_unread(files, out, error);
    TRY(status);
    if (files->request->paths)
        TRY(loose_find(files, kind, error));
    return kind->open(source ? source->args : NULL, files, out, error);
}

CnnStatus loose_open(const CnnRecipe *recipe, const CnnStatement *source, const LooseRequest *request,
                     LooseFiles *files, Source **out, CnnError *error)
{
    files->request = request;
    TRY(loose_learn(recipe, files, error));
    TRY(request->memory ? loose_memory_open(files, out, error)
                        : open_files(innermost(source), files, out, error));
    SourceInfo *info = &(*out)->info;
    info->count = info->validation_count = 0;
    info->test_count = request->memory ? request->memory->most : (int64_t)files->paths.count;
    info->classes = files->classes;
    info->class_names = files->class_names;
    return CNN_OK;
}

void loose_close(LooseFiles *files)
{
    listing_free(&files->paths);
    free(files->class_names);
    free(files->names);
    *files = (LooseFiles){0};
}

const char *cnn_data_loose_path(const CnnData *data, int64_t index)
{
    return listing_name(&data->loose.paths, (size_t)index);
}

double loose_label(Source *source, int64_t index)
{
    (void)source, (void)index;
    return 0;
}

Members loose_members(const LooseFiles *files)
{
    return (Members){.tree = &file_tree, .paths = files->paths};
}
