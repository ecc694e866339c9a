#include "compiler/exchange/darknet_cfg.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The text between two offsets without its blanks, wherever they stand: so darknet reads a line. */
static const char *packed(Arena *arena, const char *text, size_t length)
{
    char *out = arena_text(arena, text, length);
    size_t used = 0;
    for (size_t i = 0; i < length; i++)
        if (!strchr(" \t\r\n", text[i]))
            out[used++] = text[i];
    out[used] = '\0';
    return out;
}

/* Offset by offset without the blanks around it. */
static Span trimmed(const char *text, uint32_t base, size_t begin, size_t end)
{
    while (begin < end && strchr(" \t\r", text[begin]))
        begin++;
    while (end > begin && strchr(" \t\r", text[end - 1]))
        end--;
    return (Span){base + (uint32_t)begin, base + (uint32_t)end};
}

static void read_option(Cfg *cfg, const char *text, uint32_t base, size_t begin, size_t end)
{
    Span line = trimmed(text, base, begin, end);
    const char *equal = memchr(text + begin, '=', end - begin);
    if (!equal) {
        diag_error(cfg->diag, line, "bad-cfg", "neither '[section]' nor 'option=value'");
        return;
    }
    if (cfg->sections.count == 0) {
        diag_error(cfg->diag, line, "bad-cfg",
                   "an option before the first section; a .cfg file begins with [net]");
        return;
    }
    size_t at = (size_t)(equal - text);
    CfgSection *section = &cfg->sections.items[cfg->sections.count - 1];
    const char *key = packed(cfg->arena, text + begin, at - begin);
    for (size_t i = 0; i < section->options.count; i++)
        if (strcmp(section->options.items[i].key, key) == 0) {
            diag_error(cfg->diag, line, "bad-cfg", "'%s' stands twice in this section", key);
            diag_note(cfg->diag, section->options.items[i].key_span, "first here");
            return;
        }
    *vec_push(cfg->arena, &section->options) =
        (CfgOption){.key = key,
                    .value = packed(cfg->arena, equal + 1, end - at - 1),
                    .key_span = trimmed(text, base, begin, at),
                    .value_span = trimmed(text, base, at + 1, end)};
}

static void read_line(Cfg *cfg, const char *text, uint32_t base, size_t begin, size_t end)
{
    const char *line = packed(cfg->arena, text + begin, end - begin);
    size_t length = strlen(line);
    if (length == 0 || *line == '#' || *line == ';')
        return;
    if (*line != '[') {
        read_option(cfg, text, base, begin, end);
        return;
    }
    Span span = trimmed(text, base, begin, end);
    if (length < 3 || line[length - 1] != ']')
        diag_error(cfg->diag, span, "bad-cfg", "a section is written [name]");
    *vec_push(cfg->arena, &cfg->sections) =
        (CfgSection){.word = arena_text(cfg->arena, line + 1, length < 3 ? 0 : length - 2), .span = span};
}

bool cfg_read(Arena *arena, Diag *diag, Span source, Cfg *cfg)
{
    size_t length, begin = 0;
    const char *text = diag_source(diag, source, &length);
    *cfg = (Cfg){.arena = arena, .diag = diag};
    for (size_t i = 0; i <= length; i++) {
        if (i < length && text[i] == '\0') {
            diag_error(diag, (Span){source.low + (uint32_t)i, source.low + (uint32_t)i + 1}, "bad-cfg",
                       "a zero byte: this is no text");
            return false;
        }
        if (i == length || text[i] == '\n') {
            read_line(cfg, text, source.low, begin, i);
            begin = i + 1;
        }
    }
    if (cfg->sections.count == 0 && diag_errors(diag) == 0)
        diag_error(diag, source, "bad-cfg", "the file has no section; a .cfg file begins with [net]");
    return diag_errors(diag) == 0;
}

CfgOption *cfg_find(CfgSection *section, const char *key)
{
    for (size_t i = 0; i < section->options.count; i++)
        if (strcmp(section->options.items[i].key, key) == 0) {
            section->options.items[i].is_read = true;
            return &section->options.items[i];
        }
    return NULL;
}

/* An integer at the front of `text`; *end is what follows it. */
static bool integer_of(const char *text, char **end, int64_t *value)
{
    errno = 0;
    *value = strtoll(text, end, 10);
    return *end > text && errno == 0;
}

int64_t cfg_integer(Cfg *cfg, CfgSection *section, const char *key, int64_t preset, int64_t least,
                    int64_t most)
{
    const CfgOption *option = cfg_find(section, key);
    int64_t value;
    char *end;
    if (!option)
        return preset;
    if (integer_of(option->value, &end, &value) && *end == '\0' && value >= least && value <= most)
        return value;
    diag_error(cfg->diag, option->value_span, "bad-cfg", "'%s' is an integer from %" PRId64 " to %" PRId64,
               key, least, most);
    return preset;
}

double cfg_real(Cfg *cfg, CfgSection *section, const char *key, double preset, double least, double most)
{
    const CfgOption *option = cfg_find(section, key);
    if (!option)
        return preset;
    char *end;
    double value = strtod(option->value, &end);
    if (end > option->value && *end == '\0' && isfinite(value) && value >= least && value <= most)
        return value;
    diag_error(cfg->diag, option->value_span, "bad-cfg", "'%s' is a number from %g to %g", key, least, most);
    return preset;
}

const char *cfg_word(CfgSection *section, const char *key, const char *preset)
{
    const CfgOption *option = cfg_find(section, key);
    return option ? option->value : preset;
}

int cfg_integers(Cfg *cfg, CfgSection *section, const char *key, int64_t values[CFG_LIST_MAX])
{
    const CfgOption *option = cfg_find(section, key);
    int count = 0;
    if (!option)
        return 0;
    for (const char *at = option->value;; at++) {
        char *end;
        if (count == CFG_LIST_MAX || !integer_of(at, &end, &values[count]) || (*end && *end != ',')) {
            diag_error(cfg->diag, option->value_span, "bad-cfg",
                       "'%s' is at most %d integers, separated by commas", key, CFG_LIST_MAX);
            return 0;
        }
        count++;
        if (*end == '\0')
            return count;
        at = end;
    }
}
