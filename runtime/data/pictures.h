/* What the sources have in common whose samples are picture files: the files, and how many channels a sample
 * gets. */
#ifndef CNN_PICTURES_H
#define CNN_PICTURES_H

#include "runtime/data/decode.h"
#include "runtime/data/members.h"

typedef struct {
    Members members;
    int channels; /* 1, 3, 4; 0: those of the first picture, until pictures_find_channels */
} Pictures;

/* The field `channels` of a source's args T, an int. */
#define PICTURES_CHANNELS_FIELD(T)                                                                           \
    FIELD(T, channels, FIELD_WORD, .preset = "3", .words = "3 1 4 auto", .named_only = true,                 \
          .doc = "3: colour, 1: grey, 4: colour and alpha, auto: what the first picture has")
/** The channels that a word of that field means; 0: auto. */
int pictures_channels(int word);

/** Settles channels=auto by the first picture that can be read at all, among the first few of `count`. */
CnnStatus pictures_find_channels(Pictures *pictures, int64_t count, CnnError *error);

/**
 * Whether any of a few of the pictures that `table` names is there: none means that the paths start from
 * another folder. Errors: CNN_BAD_INPUT, which tells what to do.
 */
CnnStatus pictures_look(const Pictures *pictures, const char *table, CnnError *error);

/** Decodes picture `index`, as Source.read asks for. */
CnnStatus pictures_read(const Pictures *pictures, int64_t index, int64_t want_height, int64_t want_width,
                        Picture *out, CnnError *error);

#endif
