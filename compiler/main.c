/* The process: its arguments, and its exit code. */
#include <stdlib.h>

#include "compiler/commands/command.h"
#include "runtime/file.h"

int main(int argc, char **argv)
{
    cnn_file_hold_standard();
    exit(command_main(argc, argv));
}
