/* The file system as a tree. */
#include "runtime/data/tree.h"

static CnnStatus file_tree_resolve(const Tree *tree, const char *base, const char *path, char *out,
                                   CnnError *error)
{
    (void)tree;
    return path_resolve(base, path, out, error);
}

static CnnStatus file_tree_list(const Tree *tree, Listing *listing, const char *path, EntryKind kind,
                                CnnError *error)
{
    (void)tree;
    return listing_read(listing, path, kind, error);
}

static CnnStatus file_tree_list_below(const Tree *tree, Listing *listing, const char *path,
                                      bool (*wanted)(const char *name), size_t *others, CnnError *error)
{
    (void)tree;
    return listing_read_tree(listing, path, wanted, others, error);
}

static CnnStatus file_tree_load(const Tree *tree, const char *path, Bytes *out, CnnError *error)
{
    (void)tree;
    return file_load(path, out, error);
}

static CnnStatus file_tree_open(const Tree *tree, const char *path, Extent *out, CnnError *error)
{
    (void)tree;
    return extent_open(path, out, error);
}

const Tree file_tree = {.resolve = file_tree_resolve,
                        .list = file_tree_list,
                        .list_below = file_tree_list_below,
                        .load = file_tree_load,
                        .open = file_tree_open};
