#include "compiler/exchange/keras_weights.h"

#include <string.h>

#include "compiler/base/text.h"

enum { BLOCK_BYTES = 1 << 16, LINKS_MAX = 1 << 18, TEXT_BYTES_MAX = 1 << 28, DEFLATE_MOST = 1100 };

/* ---- The variables of a file ---- */

/* "TOP\nLAYER\nVARIABLE" of a path of the older way: "model_weights/TOP/…/LAYER/VARIABLE:0". NULL: it is
 * none. */
static const char *name_key(Arena *arena, const char *path)
{
    static const char prefix[] = "model_weights/";
    if (strncmp(path, prefix, strlen(prefix)) == 0)
        path += strlen(prefix);
    const char *name = strrchr(path, '/'), *layer = name;
    if (!name)
        return NULL;
    while (layer > path && layer[-1] != '/')
        layer--;
    name++;
    return arena_printf(arena, "%.*s\n%.*s\n%.*s", (int)strcspn(path, "/"), path, (int)(name - 1 - layer),
                        layer, (int)strcspn(name, ":"), name);
}

static herr_t take_link(hid_t group, const char *path, const H5L_info_t *info, void *context)
{
    KerasWeights *weights = context;
    (void)group;
    if (info->type != H5L_TYPE_HARD)
        return 0;
    if (weights->paths.count >= LINKS_MAX)
        return -1;
    const char *kept = arena_text(weights->arena, path, strlen(path)),
               *key = weights->by_names ? name_key(weights->arena, path) : kept;
    if (key && !name_map_find(&weights->paths, key))
        name_map_add(weights->arena, &weights->paths, key, (char *)kept);
    return 0;
}

static bool has_link(const KerasWeights *weights, const char *name)
{
    return H5Lexists(weights->file, name, H5P_DEFAULT) > 0;
}

static CnnStatus find_variables(KerasWeights *weights, const char *path, CnnError *error)
{
    weights->by_names = has_link(weights, "model_weights") ||
                        (H5Aexists(weights->file, "layer_names") > 0 && !has_link(weights, "layers"));
    if (weights->file >= 0 && H5Lvisit(weights->file, H5_INDEX_NAME, H5_ITER_NATIVE, take_link, weights) >= 0)
        return CNN_OK;
    keras_weights_close(weights);
    return cnn_fail(error, CNN_BAD_INPUT, "'%s' is no HDF5 file, or damaged", path);
}

CnnStatus keras_weights_open(KerasWeights *weights, const char *path, CnnError *error)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* errors are told by whoever calls */
    weights->file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    return find_variables(weights, path, error);
}

CnnStatus keras_weights_open_bytes(KerasWeights *weights, const char *path, void *bytes, size_t size,
                                   CnnError *error)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    bool good = H5Pset_fapl_core(access, BLOCK_BYTES, false) >= 0 &&
                H5Pset_file_image(access, bytes, size) >= 0; /* a copy */
    weights->file = good ? H5Fopen("weights.h5", H5F_ACC_RDONLY, access) : -1;
    H5Pclose(access);
    return find_variables(weights, path, error);
}

void keras_weights_close(KerasWeights *weights)
{
    if (weights->file >= 0)
        H5Fclose(weights->file);
    weights->file = -1;
}

/* ---- Texts ---- */

/* The value of an attribute that is one text, of fixed or of any length. */
static const char *attribute_text(Arena *arena, hid_t attribute, hid_t type)
{
    const char *text = NULL;
    size_t size = H5Tget_size(type);
    if (H5Tis_variable_str(type) > 0) {
        char *value = NULL;
        hid_t wanted = H5Tcopy(H5T_C_S1);
        H5Tset_size(wanted, H5T_VARIABLE);
        H5Tset_cset(wanted, H5Tget_cset(type));
        if (H5Aread(attribute, wanted, &value) >= 0 && value)
            text = arena_text(arena, value, strlen(value));
        H5free_memory(value);
        H5Tclose(wanted);
    } else if (size > 0 && size < TEXT_BYTES_MAX) {
        char *value = arena_alloc(arena, size + 1);
        if (H5Aread(attribute, type, value) >= 0)
            text = value;
    }
    return text;
}

const char *keras_weights_text(const KerasWeights *weights, const char *name)
{
    hid_t attribute = H5Aexists(weights->file, name) > 0 ? H5Aopen(weights->file, name, H5P_DEFAULT) : -1;
    if (attribute < 0)
        return NULL;
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    const char *text = NULL;
    if (type >= 0 && H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1)
        text = attribute_text(weights->arena, attribute, type);
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return text;
}

/* ---- Numbers ---- */

/* Below 0: there is none. */
static hid_t open_variable(const KerasWeights *weights, const KerasVariable *variable)
{
    Arena *arena = weights->arena;
    const char *key = weights->by_names
                          ? arena_printf(arena, "%s\n%s\n%s", variable->top, variable->layer, variable->name)
                          : arena_printf(arena, "%s/vars/%d", variable->path, variable->number);
    const char *path = weights->file >= 0 ? name_map_find(&weights->paths, key) : NULL;
    return path ? H5Dopen2(weights->file, path, H5P_DEFAULT) : -1;
}

/* Whether all numbers are in the file itself, and it is large enough to have them. */
static bool is_kept_here(hid_t set, int rank, const hsize_t *dim)
{
    hid_t plan = H5Dget_create_plist(set);
    H5D_layout_t layout = H5Pget_layout(plan);
    bool here = plan >= 0 && (layout == H5D_CONTIGUOUS || layout == H5D_COMPACT || layout == H5D_CHUNKED) &&
                H5Pget_external_count(plan) <= 0;
    hsize_t most = H5Dget_storage_size(set);
    most *= layout == H5D_CHUNKED ? DEFLATE_MOST : 1;
    for (int i = 0; i < rank && here; i++) {
        here = dim[i] > 0 && dim[i] <= most;
        most = here ? most / dim[i] : 0;
    }
    H5Pclose(plan);
    return here;
}

int keras_weights_dims(const KerasWeights *weights, const KerasVariable *variable,
                       int64_t dim[KERAS_RANK_MAX])
{
    hid_t set = open_variable(weights, variable);
    hsize_t extents[H5S_MAX_RANK];
    if (set < 0)
        return -1;
    hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    H5T_class_t kind = H5Tget_class(type);
    int rank = H5Sget_simple_extent_ndims(space);
    bool good = rank >= 0 && rank <= KERAS_RANK_MAX && (kind == H5T_FLOAT || kind == H5T_INTEGER) &&
                H5Sget_simple_extent_dims(space, extents, NULL) == rank && is_kept_here(set, rank, extents);
    for (int i = 0; i < rank && good; i++)
        dim[i] = (int64_t)extents[i];
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(set);
    return good ? rank : -1;
}

bool keras_weights_read(const KerasWeights *weights, const KerasVariable *variable, float *out)
{
    hid_t set = open_variable(weights, variable);
    bool good = set >= 0 && H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0;
    if (set >= 0)
        H5Dclose(set);
    return good;
}
