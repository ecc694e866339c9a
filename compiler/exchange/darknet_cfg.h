/* The sections and options of a darknet .cfg file. Its text is a source of the diag, so messages show its
 * lines. */
#ifndef DARKNET_CFG_H
#define DARKNET_CFG_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler/base/diag.h"
#include "compiler/base/vec.h"

typedef struct {
    const char *key, *value; /* without blanks, as darknet reads them */
    Span key_span, value_span;
    bool is_read;
} CfgOption;

typedef struct {
    const char *word; /* "convolutional" */
    Span span;
    VEC(CfgOption) options;
} CfgSection;

typedef struct {
    Arena *arena;
    Diag *diag;
    VEC(CfgSection) sections;
} Cfg;

/** Reads a source of the diag; false after errors. */
bool cfg_read(Arena *arena, Diag *diag, Span source, Cfg *cfg);

/** The option of a section, NULL where it is not given; marks it as read. */
CfgOption *cfg_find(CfgSection *section, const char *key);
/** The value of an option, or `preset` where it is not given. After an error, which is reported, `preset`. */
int64_t cfg_integer(Cfg *cfg, CfgSection *section, const char *key, int64_t preset, int64_t least,
                    int64_t most);
double cfg_real(Cfg *cfg, CfgSection *section, const char *key, double preset, double least, double most);
const char *cfg_word(CfgSection *section, const char *key, const char *preset);

enum { CFG_LIST_MAX = 64 };
/** Integers separated by commas; 0 where the option is not given, or after an error. */
int cfg_integers(Cfg *cfg, CfgSection *section, const char *key, int64_t values[CFG_LIST_MAX]);

#endif
