#include "runtime/text_stream.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_LEAST = 256 };

/* A count that is too small makes the stream's error flag stay set (fopencookie(3)). */
static ssize_t put(void *cookie, const char *bytes, size_t count)
{
    TextStream *stream = cookie;
    if (count >= stream->room - stream->length) {
        size_t room = 2 * (stream->length + count) + ROOM_LEAST;
        char *larger = realloc(stream->text, room);
        if (!larger)
            return 0;
        stream->text = larger;
        stream->room = room;
    }
    memcpy(stream->text + stream->length, bytes, count);
    stream->length += count;
    stream->text[stream->length] = '\0';
    return (ssize_t)count;
}

bool cnn_text_open(TextStream *stream)
{
    *stream = (TextStream){.text = calloc(1, ROOM_LEAST), .room = ROOM_LEAST};
    if (stream->text)
        stream->out = fopencookie(stream, "w", (cookie_io_functions_t){.write = put});
    if (stream->out)
        return true;
    free(stream->text);
    return false;
}

char *cnn_text_close(TextStream *stream, size_t *length)
{
    bool whole = fflush(stream->out) == 0 && !ferror(stream->out);
    if (fclose(stream->out) != 0 || !whole) {
        free(stream->text);
        return NULL;
    }
    if (length)
        *length = stream->length;
    return stream->text;
}
