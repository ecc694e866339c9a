/* Between the files of schedule/: the state of lowering one group. */
#ifndef LOWERING_H
#define LOWERING_H

#include "compiler/schedule/lower.h"

/* An element already lowered: asked for again, it is the same expression. */
typedef struct {
    NodeId node;
    Index at;
    ExprId expr;
} Known;

struct Lowering {
    Arena *arena;
    const Plan *plan;
    const Group *group;
    int64_t chunk; /* of the group's phase; 0: over the whole batch */
    Computation *computation;
    bool *member;           /* by NodeId: belongs to the group */
    Guard around[RANK_MAX]; /* of the class being lowered: where its points lie inside the tensor */
    int around_count;
    ExprId *buckets; /* hash table of the computation's expressions; -1: empty */
    size_t bucket_count;
    VEC(Known) known;
    VEC(Store) sums; /* of the kernel being made: each is one store, of the points of all classes together */
    int depth;       /* nodes between the store and what is being lowered */
};

/** Places guards one after the other, without those that always hold, *kept of them; returns where the first
 * is. */
int lowering_guards(Lowering *lowering, const Guard *guards, int count, int *kept);
/** `value`, or zero where 0 <= guard < extent fails for one of the guards. */
ExprId lowering_where(Lowering *lowering, const Guard *guards, int count, ExprId value);
/** The kernel's number for a node's memory, read or written. */
int lowering_tensor(Lowering *lowering, NodeId node, bool written);
/** Elements from the start of a tensor of this type to the element at `at`. In a chunked kernel the pointer
 * of a tensor of slices already is that of the slice. */
Affine lowering_address(const Lowering *lowering, const Type *type, const Index *at);
/** The index before a reshape from `from` to `to` that only adds or removes extents of 1. */
Index lowering_look_through(const Type *from, const Type *to, const Index *at);
/** Adds an axis to the computation. */
int lowering_axis(Computation *computation, Axis axis);
/** The value of an axis. */
Affine lowering_axis_affine(int axis);

#endif
