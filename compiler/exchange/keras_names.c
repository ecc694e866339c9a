#include "compiler/exchange/keras_names.h"

#include <ctype.h>
#include <stdbool.h>

#include "compiler/base/text.h"

/* "SeparableConv2D": "separable_conv2d". */
static const char *snake_case(Arena *arena, const char *kind)
{
    Text text = {.arena = arena};
    for (const char *c = kind; *c; c++) {
        bool capital = c > kind && isupper((unsigned char)*c);
        if (capital && (islower((unsigned char)c[1]) || islower((unsigned char)c[-1])))
            text_append(&text, "_", 1);
        if (isalnum((unsigned char)*c) || *c == '_')
            text_append(&text, &(char){(char)tolower((unsigned char)*c)}, 1);
    }
    return text_string(&text);
}

const char *keras_group_name(Arena *arena, NameMap *seen, const char *kind)
{
    const char *name = snake_case(arena, kind);
    int *count = name_map_find(seen, name);
    if (!count) {
        count = NEW(arena, int);
        name_map_add(arena, seen, name, count);
    }
    const char *numbered = *count ? arena_printf(arena, "%s_%d", name, *count) : name;
    ++*count;
    return numbered;
}
