/* `cnnc passes`: the passes between a model and its code, and the fusions that can be turned off. */
#include "compiler/commands/command.h"
#include "compiler/driver.h"
#include "compiler/rewrite/rewrite.h"

CnnStatus command_passes(const Options *options)
{
    (void)options;
    printf("Passes, in order\n");
    for (const PassInfo *pass = driver_passes; pass->name; pass++)
        printf("  %-12s %s\n", pass->name, pass->doc);
    printf("\nFusions (--no-NAME turns one off, --fuse=NAME,... all others, --no-fuse all)\n");
    for (int i = 0; i < FUSION_COUNT; i++)
        printf("  %-12s %s\n", fusion_table[i].name, fusion_table[i].doc);
    printf("\nRewrites: another function is learnt (--rewrite NAME,..., rewrite NAME in compile)\n");
    for (int i = 0; i < REWRITE_COUNT; i++)
        printf("  %-12s %s\n", rewrite_table[i].name, rewrite_table[i].doc);
    return CNN_OK;
}
