#include "runtime/interrupt.h"

#include <string.h>

static volatile sig_atomic_t caught;

static void catch_signal(int number)
{
    caught = number;
}

void cnn_interrupts_catch(Interrupts *before)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = catch_signal;
    action.sa_flags = (int)SA_RESETHAND | SA_RESTART; /* reset: whoever asks twice does not want to wait */
    sigemptyset(&action.sa_mask);
    caught = 0;
    sigaction(SIGINT, &action, &before->interrupt);
    sigaction(SIGTERM, &action, &before->terminate);
}

void cnn_interrupts_release(const Interrupts *before)
{
    sigaction(SIGINT, &before->interrupt, NULL);
    sigaction(SIGTERM, &before->terminate, NULL);
}

int cnn_interrupted(void)
{
    return caught;
}
