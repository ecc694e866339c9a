/* Where a source finds its files: the file system or an archive. Sources that read through a tree need not
 * know which. A path within an archive begins with the archive's own: "data/plants.zip/cat/1.jpg". */
#ifndef CNN_DATA_TREE_H
#define CNN_DATA_TREE_H

#include "runtime/data/extent.h"
#include "runtime/data/listing.h"

typedef struct Tree Tree;

/* Every member may be called from many threads at once. */
struct Tree {
    /** The path that is meant by `path` as the model file has it (see path_resolve). `out` has PATH_MAX
     * bytes. */
    CnnStatus (*resolve)(const Tree *tree, const char *base, const char *path, char *out, CnnError *error);
    /** See listing_read. */
    CnnStatus (*list)(const Tree *tree, Listing *listing, const char *path, EntryKind kind, CnnError *error);
    /** See listing_read_tree. */
    CnnStatus (*list_below)(const Tree *tree, Listing *listing, const char *path,
                            bool (*wanted)(const char *name), size_t *others, CnnError *error);
    /** Reads a whole file. */
    CnnStatus (*load)(const Tree *tree, const char *path, Bytes *out, CnnError *error);
    /** Opens a file to be read at any offset; the tree must outlive it. */
    CnnStatus (*open)(const Tree *tree, const char *path, Extent *out, CnnError *error);
};

extern const Tree file_tree; /* the file system */

#endif
