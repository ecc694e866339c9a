/* Built for another architecture and run by its emulator: calls each kernel that is linked in on tensors from
 * the standard input, and writes the tensors to the standard output. The other end is tests/ops/emulator.h,
 * which tells the format. */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/built.h"

enum { TENSORS_MOST = 16 };

static void take(void *to, size_t bytes)
{
    if (fread(to, 1, bytes, stdin) != bytes)
        exit(1);
}

int main(void)
{
    int64_t count;
    CnnCall call;
    take(&count, sizeof count);
    take(&call, sizeof call);
    for (int64_t i = 0; i < count; i++) {
        int64_t head[2], bytes[TENSORS_MOST], margin[TENSORS_MOST]; /* head: which kernel, how many tensors */
        char *place[TENSORS_MOST];
        void *stored[TENSORS_MOST];
        take(head, sizeof head);
        if (head[1] > TENSORS_MOST)
            return 1;
        for (int t = 0; t < head[1]; t++) {
            take(&bytes[t], sizeof bytes[t]);
            take(&margin[t], sizeof margin[t]);
            place[t] = malloc((size_t)bytes[t]);
            if (!place[t])
                return 1;
            take(place[t], (size_t)bytes[t]);
            stored[t] = place[t] + margin[t];
        }
        cnn_built.versions[0].code[head[0]](stored, &call);
        for (int t = 0; t < head[1]; t++) {
            if (fwrite(place[t], 1, (size_t)bytes[t], stdout) != (size_t)bytes[t])
                return 1;
            free(place[t]);
        }
    }
    return fflush(stdout) ? 1 : 0;
}
