/* The members of an image's structs as tables, from which both the writer and the reader work, so that they
 * cannot differ. A member that is not listed in image_layout.c is not stored. */
#ifndef CNN_IMAGE_LAYOUT_H
#define CNN_IMAGE_LAYOUT_H

#include "runtime/image.h"

/* How a member is stored: numbers with their low byte first, a text or an array behind its length. */
typedef enum {
    MEMBER_INT,       /* int, or an enumeration */
    MEMBER_U32,       /* uint32_t */
    MEMBER_64,        /* int64_t, uint64_t, double */
    MEMBER_BOOL,      /* bool */
    MEMBER_TEXT,      /* const char *, may be NULL */
    MEMBER_STRUCT,    /* a struct of `layout`, in place */
    MEMBER_STRUCTS,   /* a pointer to an array of them, whose length is the int at `count` */
    MEMBER_BYTES,     /* a pointer to bytes, whose number is the uint64_t at `count` */
    MEMBER_STATEMENTS /* CnnStatements at `places` */
} MemberKind;

typedef struct Layout Layout;

typedef struct {
    MemberKind kind;
    size_t offset, count;
    const Layout *layout;
    unsigned places;
} Member;

struct Layout {
    size_t bytes; /* of the struct */
    const Member *members;
    int count;
};

extern const Layout image_layout, statement_layout;

/** The layout of a value of this kind in an args struct; NULL: it cannot be stored. */
const Layout *field_layout(FieldKind kind);

#endif
