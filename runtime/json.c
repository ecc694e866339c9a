#include "runtime/json.h"

const char *json_escape(char byte, char out[JSON_ESCAPE])
{
    unsigned char c = (unsigned char)byte;
    if (c == '"' || c == '\\')
        snprintf(out, JSON_ESCAPE, "\\%c", c);
    else if (c < 0x20)
        snprintf(out, JSON_ESCAPE, "\\u%04x", c);
    else
        snprintf(out, JSON_ESCAPE, "%c", c);
    return out;
}

void json_string(FILE *out, const char *text)
{
    char escape[JSON_ESCAPE];
    putc('"', out);
    for (; *text; text++)
        fputs(json_escape(*text, escape), out);
    putc('"', out);
}
