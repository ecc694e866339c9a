#include "compiler/commands/html.h"

#include <png.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/utf8.h"

void html_text(Text *out, const char *text)
{
    for (size_t left = strlen(text), bytes; left > 0; text += bytes, left -= bytes) {
        uint32_t code = 0;
        bytes = utf8_decode(text, left, &code);
        bool character =
            bytes > 0 && (code >= 0x20 || code == '\n' || code == '\t') && code != 0xfffe && code != 0xffff;
        bytes = bytes ? bytes : 1;
        if (!character)
            text_printf(out, "\xef\xbf\xbd");
        else if (*text == '<')
            text_printf(out, "&lt;");
        else if (*text == '>')
            text_printf(out, "&gt;");
        else if (*text == '&')
            text_printf(out, "&amp;");
        else if (*text == '"')
            text_printf(out, "&quot;");
        else
            text_append(out, text, bytes);
    }
}

/* ---- Pictures ---- */

/* RFC 4648. */
static void put_base64(Text *out, const unsigned char *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16 | (i + 1 < count ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (i + 2 < count ? bytes[i + 2] : 0);
        char four[4] = {digits[three >> 18], digits[three >> 12 & 63],
                        i + 1 < count ? digits[three >> 6 & 63] : '=',
                        i + 2 < count ? digits[three & 63] : '='};
        text_append(out, four, sizeof four);
    }
}

static void put_picture(Text *out, const SheetCell *cell)
{
    size_t pixels = (size_t)(cell->height * cell->width);
    unsigned char *colors = arena_alloc(out->arena, 3 * pixels), *bytes;
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)cell->width,
                       .height = (png_uint_32)cell->height,
                       .format = PNG_FORMAT_RGB};
    for (size_t i = 0; i < 3 * pixels; i++)
        colors[i] = (unsigned char)(cell->pixels[i / 3] >> (16 - 8 * (i % 3)));
    png_alloc_size_t count = PNG_IMAGE_PNG_SIZE_MAX(image);
    bytes = arena_alloc(out->arena, count);
    if (png_image_write_to_memory(&image, bytes, &count, 0, colors, 0, NULL))
        put_base64(out, bytes, count);
}

static void put_curve(Text *out, const SheetCell *cell, const char *alternative)
{
    text_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 96 96\" role=\"img\"><title>");
    html_text(out, alternative);
    text_printf(out, "</title><polyline class=\"c0\" points=\"");
    for (int64_t i = 0; i < cell->width; i++)
        text_printf(out, "%.1f,%.1f ", 96.0 * (double)i / (double)(cell->width > 1 ? cell->width - 1 : 1),
                    96.0 * (1 - (double)cell->curve[i]));
    text_printf(out, "\"/></svg>");
}

void html_cell(Text *out, const SheetCell *cell, const char *alternative)
{
    if (!cell->pixels) {
        put_curve(out, cell, alternative);
        return;
    }
    text_printf(out, "<img alt=\"");
    html_text(out, alternative);
    text_printf(out, "\" src=\"data:image/png;base64,");
    put_picture(out, cell);
    text_printf(out, "\"/>");
}
