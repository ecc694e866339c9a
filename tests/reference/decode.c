/* decode CHANNELS FILE…: prints of each picture "HEIGHT WIDTH CHANNELS" and its bytes, or "error: …"; for
 * pictures.py. CHANNELS 0: those that the file has itself. */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/data/decode.h"

int main(int argc, char **argv)
{
    Picture picture = {0};
    for (int i = 2; i < argc; i++) {
        CnnError error = {0};
        DecodeOptions options = {.channels = atoi(argv[1])};
        CnnStatus status = options.channels
                               ? CNN_OK
                               : decode_channels(&file_tree, argv[i], &picture, &options.channels, &error);
        if (status == CNN_OK)
            status = decode_file(argv[i], &options, &picture, &error);
        if (status != CNN_OK) {
            printf("error: %s\n", error.text);
            continue;
        }
        printf("%d %d %d\n", (int)picture.height, (int)picture.width, (int)picture.channels);
        fwrite(picture.data, 1, (size_t)(picture.height * picture.width * picture.channels), stdout);
    }
    picture_free(&picture);
    return 0;
}
