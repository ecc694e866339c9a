/* Bytes to images. Every length is checked against the bytes that are left before anything is allocated or
 * copied, and the finished image goes through cnn_image_verify, so that no bytes can make the runtime reach
 * outside its tables. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "runtime/data/data.h"
#include "runtime/image_format.h"
#include "runtime/image_io.h"
#include "runtime/image_layout.h"
#include "runtime/image_verify.h"
#include "runtime/training.h"

enum { NESTING_MAX = 8 };

/* Blocks of memory, freed together with the image. */
typedef struct Block {
    struct Block *next;
    max_align_t bytes[];
} Block;

typedef struct {
    CnnImage image; /* first: cnn_image_free gets its address */
    Block *blocks;
} OwnedImage;

typedef struct {
    const unsigned char *at, *end;
    OwnedImage *owner;
    CnnError *error;
} Reader;

static CnnStatus reader_fail(const Reader *reader, const char *what)
{
    return cnn_fail(reader->error, CNN_BAD_INPUT, "damaged image: %s", what);
}

/* `bytes` zeroed bytes that live as long as the image. */
static CnnStatus reader_take(Reader *reader, uint64_t bytes, void **out)
{
    *out = NULL;
    Block *block = bytes < SIZE_MAX / 2 ? calloc(1, sizeof *block + (size_t)bytes) : NULL;
    if (!block)
        return cnn_fail(reader->error, CNN_NO_RESOURCE, "no memory for the image");
    block->next = reader->owner->blocks;
    reader->owner->blocks = block;
    *out = block->bytes;
    return CNN_OK;
}

static CnnStatus get(Reader *reader, int bytes, uint64_t *number)
{
    *number = 0;
    if (reader->end - reader->at < bytes)
        return reader_fail(reader, "it ends too early");
    for (int i = 0; i < bytes; i++)
        *number |= (uint64_t)reader->at[i] << (8 * i);
    reader->at += bytes;
    return CNN_OK;
}

/* The length of an array: each element takes at least a byte. Negative ones are let through. */
static CnnStatus get_count(Reader *reader, int32_t *count)
{
    uint64_t number;
    TRY(get(reader, 4, &number));
    *count = (int32_t)(uint32_t)number;
    if (*count > reader->end - reader->at)
        return reader_fail(reader, "an array is longer than the image");
    return CNN_OK;
}

static CnnStatus get_text(Reader *reader, const char **text)
{
    uint64_t length;
    TRY(get(reader, 4, &length));
    *text = NULL;
    if (length == TEXT_NULL)
        return CNN_OK;
    if (length > (uint64_t)(reader->end - reader->at) || memchr(reader->at, '\0', length))
        return reader_fail(reader, "a text is longer than the image");
    void *copy;
    TRY(reader_take(reader, length + 1, &copy));
    memcpy(copy, reader->at, length);
    reader->at += length;
    *text = copy;
    return CNN_OK;
}

static CnnStatus get_struct(Reader *reader, const Layout *layout, void *to);

static CnnStatus get_statements(Reader *reader, unsigned places, int depth, CnnStatements *list);

/* A negative length is no array but a mark of the struct that it belongs to (Reals), and stays as it is. */
static CnnStatus get_array(Reader *reader, const Member *member, char *base)
{
    int32_t count;
    void *items;
    TRY(get_count(reader, &count));
    memcpy(base + member->count, &count, sizeof count);
    if (count < 0)
        return CNN_OK;
    size_t stride = member->layout->bytes;
    TRY(reader_take(reader, (uint64_t)count * stride, &items));
    for (int32_t i = 0; i < count; i++)
        TRY(get_struct(reader, member->layout, (char *)items + (size_t)i * stride));
    memcpy(base + member->offset, &items, sizeof items);
    return CNN_OK;
}

static CnnStatus get_bytes(Reader *reader, const Member *member, char *base)
{
    uint64_t count;
    void *copy;
    TRY(get(reader, 8, &count));
    if (count > (uint64_t)(reader->end - reader->at))
        return reader_fail(reader, "a table is longer than the image");
    TRY(reader_take(reader, count, &copy));
    memcpy(copy, reader->at, count);
    reader->at += count;
    memcpy(base + member->count, &count, sizeof count);
    memcpy(base + member->offset, &copy, sizeof copy);
    return CNN_OK;
}

static CnnStatus get_member(Reader *reader, const Member *member, char *base)
{
    char *at = base + member->offset;
    uint64_t number;
    switch (member->kind) {
    case MEMBER_INT:
    case MEMBER_U32: {
        TRY(get(reader, 4, &number));
        uint32_t narrow = (uint32_t)number;
        memcpy(at, &narrow, sizeof narrow);
        return CNN_OK;
    }
    case MEMBER_64:
        TRY(get(reader, 8, &number));
        memcpy(at, &number, sizeof number);
        return CNN_OK;
    case MEMBER_BOOL:
        TRY(get(reader, 1, &number));
        *(bool *)at = number != 0;
        return CNN_OK;
    case MEMBER_TEXT:
        return get_text(reader, (const char **)(void *)at);
    case MEMBER_STRUCT:
        return get_struct(reader, member->layout, at);
    case MEMBER_STRUCTS:
        return get_array(reader, member, base);
    case MEMBER_BYTES:
        return get_bytes(reader, member, base);
    case MEMBER_STATEMENTS:
        return get_statements(reader, member->places, 0, (CnnStatements *)(void *)at);
    }
    return CNN_OK;
}

static CnnStatus get_struct(Reader *reader, const Layout *layout, void *to)
{
    for (int i = 0; i < layout->count; i++)
        TRY(get_member(reader, &layout->members[i], to));
    return CNN_OK;
}

static const Schema *schema_find(const char *word, unsigned places)
{
    const Schema *const *const tables[] = {data_schemas, train_schemas};
    for (int t = 0; t < 2; t++)
        for (const Schema *const *schema = tables[t]; *schema; schema++)
            if (((*schema)->places & places) && strcmp((*schema)->word, word) == 0)
                return *schema;
    return NULL;
}

/* Whether the value has the range of its kind, which the rest of the runtime relies on. */
static bool field_sound(const Field *field, const void *value)
{
    char word[2];
    switch (field->kind) {
    case FIELD_WORD:
        if (*(const int *)value < 0)
            return false;
        words_get(field->words, *(const int *)value, word, sizeof word);
        return *word != '\0';
    case FIELD_DIMS:
    case FIELD_WINDOW:
        return ((const Dims *)value)->count >= 0 && ((const Dims *)value)->count <= DIMS_MAX;
    case FIELD_DURATION:
        return ((const Duration *)value)->unit <= UNIT_SECONDS;
    case FIELD_PADDING:
        return ((const Padding *)value)->mode <= PADDING_EXPLICIT;
    default:
        return true;
    }
}

static CnnStatus get_statement(Reader *reader, unsigned places, int depth, CnnStatement *statement)
{
    const char *word;
    TRY(get_text(reader, &word));
    statement->schema = word ? schema_find(word, places) : NULL;
    if (!statement->schema)
        return reader_fail(reader, "a statement that this version does not know");
    TRY(get_struct(reader, &statement_layout, statement));
    void *args;
    TRY(reader_take(reader, statement->schema->args_bytes, &args));
    for (const Field *field = statement->schema->fields; field->name; field++) {
        const Layout *layout = field_layout(field->kind);
        if (!layout)
            return reader_fail(reader, "an argument that cannot be stored");
        TRY(get_struct(reader, layout, (char *)args + field->offset));
        if (!field_sound(field, (char *)args + field->offset))
            return reader_fail(reader, "an argument out of its range");
    }
    statement->args = args;
    return get_statements(reader, statement->schema->body, depth + 1, &statement->body);
}

static CnnStatus get_statements(Reader *reader, unsigned places, int depth, CnnStatements *list)
{
    int32_t count;
    void *items;
    TRY(get_count(reader, &count));
    if (count < 0 || depth > NESTING_MAX)
        return reader_fail(reader, "statements are nested too deep");
    TRY(reader_take(reader, (uint64_t)count * sizeof(CnnStatement), &items));
    list->count = count;
    list->items = items;
    for (int32_t i = 0; i < count; i++)
        TRY(get_statement(reader, places, depth, (CnnStatement *)items + i));
    return CNN_OK;
}

/* Checks the head and leaves the reader at the body. */
static CnnStatus get_head(Reader *reader)
{
    const unsigned char *magic = reader->at;
    uint64_t version, crc, length;
    if (reader->end - reader->at < IMAGE_HEAD || memcmp(magic, IMAGE_MAGIC, IMAGE_MAGIC_BYTES) != 0)
        return reader_fail(reader, "it does not begin as an image does");
    reader->at += IMAGE_MAGIC_BYTES;
    TRY(get(reader, 4, &version));
    TRY(get(reader, 4, &crc));
    TRY(get(reader, 8, &length));
    if (version != IMAGE_VERSION)
        return reader_fail(reader, "it was made by another version");
    if (length != (uint64_t)(reader->end - reader->at) ||
        crc32_z(crc32_z(0, NULL, 0), reader->at, length) != crc)
        return reader_fail(reader, "its length or its checksum is wrong");
    return CNN_OK;
}

static CnnStatus get_image(Reader *reader, CnnCode *const *code, int code_count)
{
    CnnImage *image = &reader->owner->image;
    TRY(get_head(reader));
    TRY(get_struct(reader, &image_layout, image));
    if (reader->at != reader->end)
        return reader_fail(reader, "there is more than one image");
    if (image->code_count != code_count)
        return reader_fail(reader, "it does not belong to this code");
    image->code = code;
    return cnn_image_verify(image, reader->error);
}

CnnStatus cnn_image_read(const void *bytes, size_t length, CnnCode *const *code, int code_count,
                         CnnImage **out, CnnError *error)
{
    *out = NULL;
    OwnedImage *owner = calloc(1, sizeof *owner);
    if (!owner)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the image");
    Reader reader = {bytes, (const unsigned char *)bytes + length, owner, error};
    CnnStatus status = get_image(&reader, code, code_count);
    if (status == CNN_OK)
        *out = &owner->image;
    else
        cnn_image_free(&owner->image);
    return status;
}

void cnn_image_free(CnnImage *image)
{
    if (!image)
        return;
    OwnedImage *owner = (OwnedImage *)image;
    for (Block *block = owner->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(owner);
}
