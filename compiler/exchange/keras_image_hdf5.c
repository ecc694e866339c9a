/* The weights of a model as an HDF5 file: layers/GROUP/vars/NUMBER. */
#include <hdf5.h>

#include "compiler/exchange/keras_model.h"

enum { BLOCK_BYTES = 1 << 20 };

/* Without times, so that the same weights give the same bytes. */
static hid_t add_group(hid_t file, const char *path)
{
    hid_t plan = H5Pcreate(H5P_GROUP_CREATE), links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_obj_track_times(plan, false);
    H5Pset_create_intermediate_group(links, 1);
    hid_t group = H5Gcreate2(file, path, links, plan, H5P_DEFAULT);
    H5Pclose(links);
    H5Pclose(plan);
    return group;
}

/* The name of the layer, as Keras writes it, too. */
static bool put_name(hid_t group, const char *name)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    hid_t attribute = H5Acreate2(group, "name", type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool good = attribute >= 0 && H5Awrite(attribute, type, &name) >= 0;
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return good;
}

static bool put_values(hid_t group, int number, const KerasValues *values)
{
    hsize_t dim[4];
    char name[16];
    for (int i = 0; i < values->rank; i++)
        dim[i] = (hsize_t)values->dim[i];
    snprintf(name, sizeof name, "%d", number);
    hid_t plan = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(values->rank, dim, NULL);
    H5Pset_obj_track_times(plan, false);
    hid_t set = H5Dcreate2(group, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, plan, H5P_DEFAULT);
    bool good = set >= 0 && H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values->data) >= 0;
    if (set >= 0)
        H5Dclose(set);
    H5Sclose(space);
    H5Pclose(plan);
    return good;
}

static bool put_layer(hid_t file, const KerasModel *model, const KerasLayer *layer)
{
    hid_t group = add_group(file, arena_printf(model->arena, "layers/%s/vars", layer->group));
    bool good = group >= 0 && put_name(group, layer->name);
    for (int i = 0; i < layer->variable_count && good; i++)
        good = put_values(group, i, &layer->variables[i]);
    if (group >= 0)
        H5Gclose(group);
    return good;
}

/* The bytes of the file; NULL after an error. */
static void *image_of(hid_t file, Arena *arena, size_t *size)
{
    if (H5Fflush(file, H5F_SCOPE_GLOBAL) < 0)
        return NULL;
    ssize_t bytes = H5Fget_file_image(file, NULL, 0);
    void *image = bytes > 0 ? arena_alloc(arena, (size_t)bytes) : NULL;
    *size = (size_t)bytes;
    return image && H5Fget_file_image(file, image, *size) == bytes ? image : NULL;
}

CnnStatus keras_weights_image(const KerasModel *model, void **bytes, size_t *size, CnnError *error)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* errors are told here */
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, BLOCK_BYTES, false);
    hid_t file = H5Fcreate("weights.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    bool good = file >= 0;
    for (size_t i = 0; i < model->order.count && good; i++)
        good = put_layer(file, model, model->order.items[i]);
    *bytes = good ? image_of(file, model->arena, size) : NULL;
    if (file >= 0)
        H5Fclose(file);
    H5Pclose(access);
    return *bytes
               ? CNN_OK
               : cnn_fail(error, CNN_NO_RESOURCE, "the weights cannot be written as HDF5: not enough memory");
}
