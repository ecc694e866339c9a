/* The header of a .npy file: magic, version, length, and the text of a Python dictionary with exactly the
 * keys descr, fortran_order and shape. The text is taken apart by the few forms that numpy writes; anything
 * else is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/npy.h"
#include "runtime/memory.h"

enum { HEADER_MOST = 1 << 16, DESCR_BYTES = 32, TEXT_MOST = 1 << 16 };

/* The text that is left, and where to complain. */
typedef struct {
    const char *at;
    bool fortran; /* what the key fortran_order says */
    const Npy *npy;
    CnnError *error;
} HeaderText;

static CnnStatus npy_fail(const Npy *npy, CnnError *error, const char *text)
{
    char name[NAME_BYTES];
    return cnn_fail(error, CNN_BAD_INPUT, "%s: %s", name_printable(npy->file.path, name), text);
}

static CnnStatus header_wrong(const HeaderText *text)
{
    return npy_fail(text->npy, text->error, "not the header of a .npy file as numpy writes it");
}

static void header_blanks(HeaderText *text)
{
    text->at += strspn(text->at, " \n");
}

/* Takes `token` if it comes next. */
static bool header_take(HeaderText *text, const char *token)
{
    header_blanks(text);
    size_t length = strlen(token);
    if (strncmp(text->at, token, length) != 0)
        return false;
    text->at += length;
    return true;
}

/* A quoted text of printable characters without escapes. */
static bool header_quoted(HeaderText *text, char *out, size_t bytes)
{
    header_blanks(text);
    char quote = *text->at;
    if (quote != '\'' && quote != '"')
        return false;
    const char *start = ++text->at;
    while (*text->at >= ' ' && *text->at < 127 && *text->at != quote && *text->at != '\\')
        text->at++;
    size_t length = (size_t)(text->at - start);
    if (*text->at != quote || length >= bytes)
        return false;
    text->at++;
    memcpy(out, start, length);
    out[length] = '\0';
    return true;
}

/* The type that numpy's code means, such as u1 or U12. */
static bool type_find(const char *code, Npy *out)
{
    static const struct {
        const char *code;
        NpyType type;
    } numbers[] = {{"b1", NPY_BOOL}, {"u1", NPY_U1}, {"i1", NPY_I1}, {"u2", NPY_U2},
                   {"i2", NPY_I2},   {"u4", NPY_U4}, {"i4", NPY_I4}, {"u8", NPY_U8},
                   {"i8", NPY_I8},   {"f2", NPY_F2}, {"f4", NPY_F4}, {"f8", NPY_F8}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(code, numbers[i].code) == 0) {
            out->type = numbers[i].type;
            out->element_bytes = (size_t)(code[1] - '0');
            return true;
        }
    size_t digits = strspn(code + 1, "0123456789");
    long width = digits > 0 && digits < 8 && code[1 + digits] == '\0' ? atol(code + 1) : 0;
    if ((*code != 'U' && *code != 'S') || width < 1 || width > TEXT_MOST)
        return false;
    out->type = *code == 'U' ? NPY_UNICODE : NPY_BYTES;
    out->element_bytes = (size_t)width * (*code == 'U' ? sizeof(uint32_t) : 1);
    return true;
}

static CnnStatus header_type(HeaderText *text, Npy *out)
{
    char descr[DESCR_BYTES], message[160];
    if (header_take(text, "["))
        return npy_fail(out, text->error, "holds records of several fields; an array of numbers is needed");
    if (!header_quoted(text, descr, sizeof descr))
        return header_wrong(text);
    const uint16_t one = 1;
    bool machine_is_little = *(const unsigned char *)&one == 1;
    if (*descr && strchr("<>|=", *descr) && descr[1] && type_find(descr + 1, out)) {
        out->swapped = *descr == (machine_is_little ? '>' : '<');
        return CNN_OK;
    }
    const char *what = strchr(descr, 'O')                         ? "pickled Python objects"
                       : strchr(descr, 'U') || strchr(descr, 'S') ? "text of no possible length"
                       : strchr(descr, 'c')                       ? "complex numbers"
                       : strpbrk(descr, "mM")                     ? "times"
                                                                  : "elements of another type";
    snprintf(message, sizeof message,
             "holds %s ('%s'); bool, u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8 and text (U, S) can be read", what,
             descr);
    return npy_fail(out, text->error, message);
}

static CnnStatus header_shape(HeaderText *text, Npy *out)
{
    out->shape.count = 0;
    if (!header_take(text, "("))
        return header_wrong(text);
    while (!header_take(text, ")")) {
        char *end;
        header_blanks(text);
        if (*text->at < '0' || *text->at > '9')
            return header_wrong(text);
        errno = 0;
        long long value = strtoll(text->at, &end, 10);
        if (errno)
            return npy_fail(out, text->error, "its shape is larger than can be");
        if (out->shape.count == DIMS_MAX)
            return npy_fail(out, text->error, "has too many dimensions");
        out->shape.value[out->shape.count++] = value;
        text->at = end;
        header_take(text, "L"); /* as Python 2 wrote some numbers */
        if (!header_take(text, ",")) {
            if (out->shape.count < 2 || !header_take(text, ")"))
                return header_wrong(text);
            break;
        }
    }
    return CNN_OK;
}

static CnnStatus header_dictionary(HeaderText *text, Npy *out)
{
    enum { DESCR = 1, ORDER = 2, SHAPE = 4, ALL = 7 };
    int seen = 0;
    if (!header_take(text, "{"))
        return header_wrong(text);
    while (!header_take(text, "}")) {
        char key[DESCR_BYTES];
        if (!header_quoted(text, key, sizeof key) || !header_take(text, ":"))
            return header_wrong(text);
        int bit = strcmp(key, "descr") == 0           ? DESCR
                  : strcmp(key, "fortran_order") == 0 ? ORDER
                  : strcmp(key, "shape") == 0         ? SHAPE
                                                      : 0;
        if (bit == 0 || (seen & bit))
            return header_wrong(text);
        seen |= bit;
        if (bit == DESCR)
            TRY(header_type(text, out));
        else if (bit == SHAPE)
            TRY(header_shape(text, out));
        else if (!(text->fortran = header_take(text, "True")) && !header_take(text, "False"))
            return header_wrong(text);
        if (!header_take(text, ",")) {
            if (!header_take(text, "}"))
                return header_wrong(text);
            break;
        }
    }
    header_blanks(text);
    return seen == ALL && *text->at == '\0' ? CNN_OK : header_wrong(text);
}

/* Checks the shape against the file's size. */
static CnnStatus npy_check_size(Npy *npy, CnnError *error)
{
    char name[NAME_BYTES];
    uint64_t expected, file_bytes = npy->file.size;
    npy->count = 1;
    if (npy->shape.count == 0)
        return npy_fail(npy, error, "holds a single number, not an array");
    for (int d = 0; d < npy->shape.count; d++)
        if (!cnn_multiply(npy->count, (uint64_t)npy->shape.value[d], &npy->count))
            return npy_fail(npy, error, "its shape is larger than can be");
    if (npy->count == 0)
        return npy_fail(npy, error, "holds no elements");
    if (!cnn_multiply(npy->count, npy->element_bytes, &expected) || !cnn_add(expected, npy->start, &expected))
        return npy_fail(npy, error, "its shape is larger than can be");
    if (expected != file_bytes)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: its header asks for a file of %llu bytes, but it has %llu",
                        name_printable(npy->file.path, name), (unsigned long long)expected,
                        (unsigned long long)file_bytes);
    return CNN_OK;
}

CnnStatus npy_read_header(Npy *npy, bool *fortran, CnnError *error)
{
    unsigned char head[12] = {0};
    uint64_t file_bytes = npy->file.size;
    if (file_bytes < 10)
        return npy_fail(npy, error, "not a .npy file: it is too short");
    TRY(extent_read(&npy->file, head, file_bytes < 12 ? 10 : 12, 0, error));
    if (memcmp(head, "\x93NUMPY", 6) != 0)
        return npy_fail(npy, error, "not a .npy file: it does not begin with \\x93NUMPY");
    if (head[6] < 1 || head[6] > 3 || head[7] != 0)
        return npy_fail(npy, error, "a version of the .npy format that is not known");
    uint64_t length = (uint64_t)head[8] | (uint64_t)head[9] << 8;
    if (head[6] > 1)
        length |= (uint64_t)head[10] << 16 | (uint64_t)head[11] << 24;
    uint64_t from = head[6] > 1 ? 12 : 10;
    npy->start = from + length;
    if (npy->start > file_bytes || length > HEADER_MOST)
        return npy_fail(npy, error, "its header is longer than the file, or than any header");
    char *header = malloc((size_t)length + 1);
    if (!header)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a header");
    CnnStatus status = extent_read(&npy->file, header, (size_t)length, from, error);
    header[length] = '\0';
    HeaderText text = {.at = header, .npy = npy, .error = error};
    if (status == CNN_OK && strlen(header) != length)
        status = header_wrong(&text);
    if (status == CNN_OK)
        status = header_dictionary(&text, npy);
    free(header);
    if (status == CNN_OK)
        status = npy_check_size(npy, error);
    int extended = 0; /* dimensions whose order matters */
    for (int d = 0; d < npy->shape.count; d++)
        extended += npy->shape.value[d] > 1;
    *fortran = text.fortran && extended > 1;
    return status;
}
