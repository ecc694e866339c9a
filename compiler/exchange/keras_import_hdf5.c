/* The files of Keras. */
#include "compiler/exchange/keras_import.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/exchange/keras_use.h"
#include "runtime/data/zip.h"
#include "runtime/file.h"

/* The architecture; NULL after an error. */
static cJSON *parse(const char *path, const char *text, size_t length, CnnError *error)
{
    cJSON *json = cJSON_ParseWithLength(text, length);
    if (cJSON_IsObject(json))
        return json;
    cJSON_Delete(json);
    cnn_fail(error, CNN_BAD_INPUT, "'%s' is no JSON of a network of Keras", path);
    return NULL;
}

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

static bool is_old(const char *version)
{
    return version && (*version == '1' || *version == '2') && version[1] == '.';
}

/* The network of an architecture and of weights that are open. */
static bool read_model(KerasImport *import, const cJSON *json)
{
    Network *network = import->network;
    const char *kind = text_of(json, "class_name");
    network->where = arena_printf(import->arena, "%s: ", import->file);
    network->has_weights = import->weights.file >= 0;
    KerasUse use = {.import = import,
                    .kind = kind ? kind : "",
                    .name = import->file,
                    .config = cJSON_GetObjectItemCaseSensitive(json, "config"),
                    .path = ""};
    const char *where = network->where;
    if (!use.config || (strcmp(use.kind, "Sequential") != 0 && strcmp(use.kind, "Functional") != 0 &&
                        strcmp(use.kind, "Model") != 0))
        return network_refuse(network,
                              "a '%.100s' of Keras; only Sequential and Functional models tell their layers",
                              use.kind) >= 0;
    int output = keras_model(&use);
    network->where = where;
    if (!network_finish(network, output))
        return false;
    network_guess_training(network);
    return true;
}

/* ---- .keras ---- */

static CnnStatus load_member(const Zip *zip, const char *path, const char *name, Bytes *out, CnnError *error)
{
    const ZipMember *member = zip_find(zip, name);
    if (!member)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' is no network of Keras: it has no '%s'", path, name);
    return zip_load(zip, member, out, error);
}

static CnnStatus read_archive(KerasImport *import, const char *path, Bytes files[3], CnnError *error)
{
    static const char *const names[] = {"metadata.json", "config.json", "model.weights.h5"};
    Zip zip;
    CnnStatus status = zip_open(path, &zip, error);
    if (status != CNN_OK)
        return status;
    for (int i = 0; i < 3 && status == CNN_OK; i++)
        status = load_member(&zip, path, names[i], &files[i], error);
    zip_close(&zip);
    if (status != CNN_OK)
        return status;
    cJSON *metadata = cJSON_ParseWithLength((char *)files[0].data, files[0].size);
    import->old = is_old(text_of(metadata, "keras_version"));
    cJSON_Delete(metadata);
    return keras_weights_open_bytes(&import->weights, path, files[2].data, files[2].size, error);
}

static bool import_archive(KerasImport *import, const char *path, CnnError *error)
{
    Bytes files[3] = {0};
    cJSON *json = NULL;
    if (read_archive(import, path, files, error) == CNN_OK)
        json = parse(path, (char *)files[1].data, files[1].size, error);
    bool good = json && read_model(import, json);
    cJSON_Delete(json);
    keras_weights_close(&import->weights);
    for (int i = 0; i < 3; i++)
        bytes_free(&files[i]);
    return good;
}

/* ---- .h5, and .json ---- */

static bool import_hdf5(KerasImport *import, const char *path, CnnError *error)
{
    if (keras_weights_open(&import->weights, path, error) != CNN_OK)
        return false;
    const char *config = keras_weights_text(&import->weights, "model_config");
    import->old = is_old(keras_weights_text(&import->weights, "keras_version"));
    if (!config)
        cnn_fail(error, CNN_BAD_INPUT, "'%s' has weights alone: name the .json file of its network, too",
                 path);
    cJSON *json = config ? parse(path, config, strlen(config), error) : NULL;
    bool good = json && read_model(import, json);
    cJSON_Delete(json);
    keras_weights_close(&import->weights);
    return good;
}

static bool import_text(KerasImport *import, const char *path, const char *text, size_t length,
                        CnnError *error)
{
    cJSON *json = parse(path, text, length, error);
    import->old = is_old(text_of(json, "keras_version"));
    bool good = json && read_model(import, json);
    cJSON_Delete(json);
    return good;
}

static bool import_json(KerasImport *import, const char *path, const char *weights, CnnError *error)
{
    char *text;
    size_t length;
    if (cnn_file_read(path, &text, &length, error) != CNN_OK)
        return false;
    bool good = (!weights || keras_weights_open(&import->weights, weights, error) == CNN_OK) &&
                import_text(import, path, text, length, error);
    free(text);
    keras_weights_close(&import->weights);
    return good;
}

static KerasImport begin(Network *network, const char *path)
{
    return (KerasImport){.network = network,
                         .arena = network->arena,
                         .weights = {.arena = network->arena, .file = -1},
                         .file = path + cnn_path_folder(path)};
}

bool keras_import(Network *network, const char *path, const char *weights, CnnError *error)
{
    KerasImport import = begin(network, path);
    if (cnn_path_ends(path, ".keras"))
        return import_archive(&import, path, error);
    return cnn_path_ends(path, ".json") ? import_json(&import, path, weights, error)
                                        : import_hdf5(&import, path, error);
}

bool keras_import_text(Network *network, const char *path, const char *text, size_t length, CnnError *error)
{
    KerasImport import = begin(network, path);
    return import_text(&import, path, text, length, error);
}
