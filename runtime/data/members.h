/* Samples that are files by themselves: their paths, from one folder of a tree. */
#ifndef CNN_MEMBERS_H
#define CNN_MEMBERS_H

#include <limits.h>

#include "runtime/data/source_index.h"

typedef struct {
    const Tree *tree;    /* where the files are */
    char root[PATH_MAX]; /* the folder that relative paths start from */
    Listing paths;
    SourceIndex *index; /* has the paths in place of `paths`; NULL: none */
} Members;

int64_t members_count(const Members *members);
/** The path of file `index` from the root on, or an absolute one; `out` has PATH_MAX bytes. */
CnnStatus members_relative(const Members *members, int64_t index, char *out, CnnError *error);

/** The path of file `index`; `path` has PATH_MAX bytes. */
CnnStatus members_path(const Members *members, int64_t index, char *path, CnnError *error);
/** The same, printable, as Source.name asks for. */
void members_name(const Members *members, int64_t index, char *out, size_t bytes);
/** All files, as Source.stamp asks for; the tree must be file_tree. */
void members_stamp(const Members *members, Stamp *stamp);
/** Has the paths from the index from now on, and tells of it in *info; NULL changes nothing. */
void members_take_index(Members *members, SourceIndex *index, SourceInfo *info);
void members_free(Members *members);

#endif
