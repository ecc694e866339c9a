/* Arrays by their names: .npy files, or the members of an .npz archive. */
#ifndef CNN_ARRAY_FILES_H
#define CNN_ARRAY_FILES_H

#include "runtime/data/npy.h"
#include "runtime/data/tree.h"
#include "runtime/data/zip.h"

typedef struct {
    const Tree *tree;
    const char *base;
    Zip npz; /* not open: names are paths of .npy files */
} ArrayFiles;

/** `npz`: path of the archive, or NULL. Relative paths are those of `tree` from `base`; both must outlive the
 * files. */
CnnStatus array_files_open(const Tree *tree, const char *base, const char *npz, ArrayFiles *out,
                           CnnError *error);
void array_files_close(ArrayFiles *files);

bool array_files_are_members(const ArrayFiles *files);
/** Whether the archive holds an array of this name. */
bool array_files_have(const ArrayFiles *files, const char *name);
/** The error that the archive holds `what`, "no array 'x'": it tells what there is instead. */
CnnStatus array_files_lack(const ArrayFiles *files, const char *what, CnnError *error);

/** Opens an array, which the files must outlive. */
CnnStatus array_files_array(const ArrayFiles *files, const char *name, Npy *out, CnnError *error);

#endif
