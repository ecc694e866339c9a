/* Images to bytes: a head (magic, version, checksum, length) and the members of image_layout in order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "runtime/image_io.h"
#include "runtime/image_layout.h"
#include "runtime/image_format.h"
#include "runtime/text_stream.h"

static void put(FILE *out, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        putc((int)(number >> (8 * i) & 0xFF), out);
}

static void put_text(FILE *out, const char *text)
{
    size_t length = text ? strlen(text) : 0;
    put(out, text ? length : TEXT_NULL, 4);
    if (length)
        fwrite(text, 1, length, out);
}

static CnnStatus put_statements(FILE *out, const CnnStatements *list, CnnError *error);

static CnnStatus put_struct(FILE *out, const Layout *layout, const void *from, CnnError *error);

static CnnStatus put_member(FILE *out, const Member *member, const char *base, CnnError *error)
{
    const void *at = base + member->offset;
    uint64_t wide;
    switch (member->kind) {
    case MEMBER_INT:
        put(out, (uint64_t)(uint32_t) * (const int *)at, 4);
        return CNN_OK;
    case MEMBER_U32:
        put(out, *(const uint32_t *)at, 4);
        return CNN_OK;
    case MEMBER_64:
        memcpy(&wide, at, sizeof wide);
        put(out, wide, 8);
        return CNN_OK;
    case MEMBER_BOOL:
        put(out, *(const bool *)at, 1);
        return CNN_OK;
    case MEMBER_TEXT:
        put_text(out, *(const char *const *)at);
        return CNN_OK;
    case MEMBER_STRUCT:
        return put_struct(out, member->layout, at, error);
    case MEMBER_STRUCTS: {
        int count = *(const int *)(const void *)(base + member->count);
        const char *items;
        memcpy(&items, at, sizeof items);
        put(out, (uint64_t)count, 4);
        for (int i = 0; i < count; i++)
            TRY(put_struct(out, member->layout, items + (size_t)i * member->layout->bytes, error));
        return CNN_OK;
    }
    case MEMBER_BYTES:
        wide = *(const uint64_t *)(const void *)(base + member->count);
        put(out, wide, 8);
        if (wide)
            fwrite(*(const void *const *)at, 1, wide, out);
        return CNN_OK;
    case MEMBER_STATEMENTS:
        return put_statements(out, at, error);
    }
    return CNN_OK;
}

static CnnStatus put_struct(FILE *out, const Layout *layout, const void *from, CnnError *error)
{
    for (int i = 0; i < layout->count; i++)
        TRY(put_member(out, &layout->members[i], from, error));
    return CNN_OK;
}

CnnStatus cnn_args_write(FILE *out, const CnnStatement *statement, CnnError *error)
{
    for (const Field *field = statement->schema->fields; field->name; field++) {
        const Layout *layout = field_layout(field->kind);
        if (!layout)
            return cnn_fail(error, CNN_BAD_INPUT, "%s: '%s' cannot be stored in an image", statement->where,
                            statement->schema->word);
        TRY(put_struct(out, layout, (const char *)statement->args + field->offset, error));
    }
    return CNN_OK;
}

/* Statements: the word, by which the reader finds the schema, the arguments in the schema's order, the body.
 */
static CnnStatus put_statements(FILE *out, const CnnStatements *list, CnnError *error)
{
    put(out, (uint64_t)list->count, 4);
    for (int i = 0; i < list->count; i++) {
        const CnnStatement *statement = &list->items[i];
        put_text(out, statement->schema->word);
        TRY(put_struct(out, &statement_layout, statement, error));
        TRY(cnn_args_write(out, statement, error));
        TRY(put_statements(out, &statement->body, error));
    }
    return CNN_OK;
}

CnnStatus cnn_image_write(const CnnImage *image, void **bytes, size_t *length, CnnError *error)
{
    TextStream stream;
    *bytes = NULL;
    if (!cnn_text_open(&stream))
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the image");
    for (int i = 0; i < IMAGE_HEAD; i++)
        putc(0, stream.out);
    CnnStatus status = put_struct(stream.out, &image_layout, image, error);
    char *text = cnn_text_close(&stream, length);
    if (!text)
        status = cnn_fail(error, CNN_NO_RESOURCE, "no memory for the image");
    if (status != CNN_OK) {
        free(text);
        return status;
    }
    uint64_t body = *length - IMAGE_HEAD;
    uint32_t head[2] = {IMAGE_VERSION,
                        (uint32_t)crc32_z(crc32_z(0, NULL, 0), (const Bytef *)text + IMAGE_HEAD, body)};
    memcpy(text, IMAGE_MAGIC, IMAGE_MAGIC_BYTES);
    for (int i = 0; i < 4; i++) {
        text[8 + i] = (char)(head[0] >> (8 * i));
        text[12 + i] = (char)(head[1] >> (8 * i));
    }
    for (int i = 0; i < 8; i++)
        text[16 + i] = (char)(body >> (8 * i));
    *bytes = text;
    return CNN_OK;
}
