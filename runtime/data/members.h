/* Samples that are files by themselves: their paths, from one folder of a tree. */
#ifndef CNN_MEMBERS_H
#define CNN_MEMBERS_H

#include <limits.h>

#include "runtime/data/source.h"

typedef struct {
    const Tree *tree;    /* where the files are */
    char root[PATH_MAX]; /* the folder that relative paths start from */
    Listing paths;
} Members;

/** The path of file `index`; `path` has PATH_MAX bytes. */
CnnStatus members_path(const Members *members, int64_t index, char *path, CnnError *error);
/** The same, printable, as Source.name asks for. */
void members_name(const Members *members, int64_t index, char *out, size_t bytes);
/** All files, as Source.stamp asks for; the tree must be file_tree. */
void members_stamp(const Members *members, Stamp *stamp);
void members_free(Members *members);

#endif
