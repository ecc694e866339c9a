/* The process: its arguments, and its exit code. */
#include <stdlib.h>

#include "compiler/commands/command.h"

int main(int argc, char **argv)
{
    exit(command_main(argc, argv));
}
