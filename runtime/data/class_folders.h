/* A folder for each class. Classes are numbered by the names of their folders, samples by class and then by
 * their paths, both in byte order. With folders `train` and `test` (or `val`, `validation`, `valid`) at the
 * top, these are the parts, and the classes are those of `train`. */
#ifndef CNN_CLASS_FOLDERS_H
#define CNN_CLASS_FOLDERS_H

#include "runtime/data/members.h"
#include "runtime/data/source.h"

/* The files that are samples. */
typedef struct {
    bool (*wanted)(const char *name);
    const char *one, *many; /* what they are called: "picture", "pictures" */
} MemberKind;

typedef struct {
    const MemberKind *kind;
    Members *members; /* the caller's, of all samples */
    Listing names;    /* of the classes */
    const char **class_names;
    int32_t *label; /* of each sample */
    bool divided;   /* the first folder of a path is a part, the second a class */
    Watch watch;    /* of the folders, while they are listed */
} ClassFolders;

/**
 * Lists the samples under `path`, a folder as the model file has it, into the members, whose tree
 * is set, and tells counts and classes in *info. A folder that holds no sample is an error. To be freed even
 * after an error. A folder that has not changed since it was opened before is not read again
 * (runtime/data/source_index.h).
 */
CnnStatus class_folders_open(ClassFolders *folders, const char *base, const char *path, SourceInfo *info,
                             CnnError *error);
/**
 * Source.group of the first `count` samples. `by` must be "folder": a group is what lies in folders of one
 * name below the classes' folders, in whichever class.
 */
CnnStatus class_folders_group(const ClassFolders *folders, const char *by, int64_t count, int64_t *group,
                              int64_t *groups, CnnError *error);
void class_folders_free(ClassFolders *folders);

/** Whether a name ends with a dot and one of these, in small or capital letters. NULL-terminated. */
bool name_ends_as(const char *name, const char *const *endings);

#endif
