/* Writing weight files. The header is padded so that the tensors start at a multiple of 8, and the metadata
 * hold a CRC-32 of all tensors' bytes, which the reader checks, and one of the header: the format itself
 * would not notice a flipped bit. */
#include "runtime/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "runtime/file.h"
#include "runtime/json.h"
#include "runtime/memory.h"
#include "runtime/text_stream.h"
#include "runtime/weights_format.h"

const char *const weights_dtype_names[DTYPE_COUNT] = {"F32", "BF16", "F16", "I32", "U8"};

bool weights_tensor_bytes(const NamedTensor *tensor, uint64_t *bytes)
{
    *bytes = dtype_bytes(tensor->dtype);
    for (int i = 0; i < tensor->rank; i++)
        if (!cnn_multiply(*bytes, (uint64_t)tensor->dim[i], bytes))
            return false;
    return true;
}

static void put_tensor(FILE *out, const NamedTensor *tensor, uint64_t *offset, uint64_t bytes)
{
    json_string(out, tensor->name);
    fprintf(out, ":{\"dtype\":\"%s\",\"shape\":[", weights_dtype_names[tensor->dtype]);
    for (int i = 0; i < tensor->rank; i++)
        fprintf(out, "%s%lld", i ? "," : "", (long long)tensor->dim[i]);
    fprintf(out, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)*offset,
            (unsigned long long)(*offset + bytes));
    *offset += bytes;
}

static uint32_t tensors_crc(const NamedTensor *tensors, int count)
{
    uLong crc = crc32_z(0, NULL, 0);
    for (int i = 0; i < count; i++) {
        uint64_t bytes = 0;
        weights_tensor_bytes(&tensors[i], &bytes);
        if (bytes)
            crc = crc32_z(crc, tensors[i].data, bytes);
    }
    return (uint32_t)crc;
}

uint32_t weights_header_crc(const char *header, size_t length, size_t at)
{
    static const char blank[] = WEIGHTS_CRC_BLANK;
    uLong crc = crc32_z(crc32_z(0, NULL, 0), (const Bytef *)header, at);
    crc = crc32_z(crc, (const Bytef *)blank, WEIGHTS_CRC_DIGITS);
    at += WEIGHTS_CRC_DIGITS;
    return (uint32_t)crc32_z(crc, (const Bytef *)header + at, length - at);
}

/* Writes the checksum over its blank. */
static void put_header_crc(char *header, size_t length)
{
    char digits[WEIGHTS_CRC_DIGITS + 1];
    size_t at = (size_t)(strstr(header, WEIGHTS_HEADER_CRC) - header) + strlen(WEIGHTS_HEADER_CRC);
    snprintf(digits, sizeof digits, "%08x", (unsigned)weights_header_crc(header, length, at));
    memcpy(header + at, digits, WEIGHTS_CRC_DIGITS);
}

/* The header's text, padded with blanks; freed by the caller. NULL: no memory. */
static char *header_make(const NamedTensor *tensors, int count, const char *const *metadata, size_t *length)
{
    TextStream stream;
    if (!cnn_text_open(&stream))
        return NULL;
    FILE *out = stream.out;
    fprintf(out,
            "{\"__metadata__\":{\"" WEIGHTS_CRC_KEY "\":\"%08x\"," WEIGHTS_HEADER_CRC WEIGHTS_CRC_BLANK "\"",
            (unsigned)tensors_crc(tensors, count));
    for (; metadata && metadata[0]; metadata += 2) {
        putc(',', out);
        json_string(out, metadata[0]);
        putc(':', out);
        json_string(out, metadata[1]);
    }
    putc('}', out);
    uint64_t offset = 0;
    for (int i = 0; i < count; i++) {
        uint64_t bytes = 0;
        weights_tensor_bytes(&tensors[i], &bytes);
        putc(',', out);
        put_tensor(out, &tensors[i], &offset, bytes);
    }
    fputs("}       ", out); /* as many blanks as may be needed */
    char *text = cnn_text_close(&stream, length);
    if (!text)
        return NULL;
    *length -= *length % 8;
    put_header_crc(text, *length);
    return text;
}

static CnnStatus write_all(NewFile *file, const char *header, size_t length, const NamedTensor *tensors,
                           int count, CnnError *error)
{
    unsigned char size[8];
    for (int i = 0; i < 8; i++)
        size[i] = (unsigned char)((uint64_t)length >> (8 * i));
    TRY(cnn_file_write(file, size, sizeof size, error));
    TRY(cnn_file_write(file, header, length, error));
    for (int i = 0; i < count; i++) {
        uint64_t bytes = 0;
        weights_tensor_bytes(&tensors[i], &bytes);
        TRY(cnn_file_write(file, tensors[i].data, bytes, error));
    }
    return CNN_OK;
}

CnnStatus cnn_weights_save(const char *path, const NamedTensor *tensors, int count,
                           const char *const *metadata, CnnError *error)
{
    size_t length;
    NewFile file;
    char *header = header_make(tensors, count, metadata, &length);
    if (!header)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the header of '%s'", path);
    CnnStatus status = cnn_file_create(path, &file, error);
    if (status == CNN_OK) {
        status = write_all(&file, header, length, tensors, count, error);
        if (status == CNN_OK)
            status = cnn_file_commit(&file, error);
        else
            cnn_file_abandon(&file);
    }
    free(header);
    return status;
}
