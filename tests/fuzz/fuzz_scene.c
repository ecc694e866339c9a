/* Any bytes as a scene of bands, a TIFF or an array: its corners and its middle are read, or it is refused
 * with a message. The first byte says whether the bands of an array come first. */
#include <stdint.h>
#include <stdlib.h>

#include "runtime/data/scene.h"
#include "tests/fuzz/fuzz_extent.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { SIDE = 8, MOST_BYTES = 1 << 24 };

static const uint8_t *input;
static size_t input_size;

static CnnStatus input_open(const Tree *tree, const char *path, Extent *out, CnnError *error)
{
    (void)tree, (void)error;
    *out = fuzz_extent(path, input, input_size);
    return CNN_OK;
}

/* A piece of at most SIDE x SIDE pixels, at a share of the way to the last. */
static void read_piece(Scene *scene, int64_t quarters)
{
    SceneWindow window = {.height = scene->height < SIDE ? scene->height : SIDE,
                          .width = scene->width < SIDE ? scene->width : SIDE};
    window.top = (scene->height - window.height) / 4 * quarters;
    window.left = (scene->width - window.width) / 4 * quarters;
    size_t row = (size_t)window.width * scene->value_bytes;
    if (scene->bands > MOST_BYTES / (int64_t)(row * SIDE))
        return;
    CnnError error = {0};
    void *out = malloc((size_t)(window.height * scene->bands) * row), *scratch = malloc(row);
    if (!out || !scratch ||
        (scene_read(scene, &window, out, scratch, &error) != CNN_OK && *error.text == '\0'))
        abort();
    free(out);
    free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const Tree tree = {.open = input_open};
    Scene *scene;
    bool known;
    CnnError error = {0};
    if (size < 1)
        return 0;
    input = bytes + 1;
    input_size = size - 1;
    if (scene_open(&tree, "fuzz", bytes[0] & 1, &scene, &known, &error) == CNN_OK) {
        for (int64_t quarters = 0; quarters <= 4; quarters++)
            read_piece(scene, quarters);
        scene_close(scene);
    } else if (*error.text == '\0')
        abort();
    return 0;
}
