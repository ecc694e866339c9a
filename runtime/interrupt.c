#include "runtime/interrupt.h"

#include <stdatomic.h>
#include <string.h>

static atomic_int caught; /* without a lock, and so for handlers of signals, too */
static atomic_bool checkpoint;

static void catch_signal(int number)
{
    atomic_store(&caught, number);
}

/* Those that are noted, then those after which a write fails. */
static const int signals[INTERRUPT_SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
enum { NOTED = 3 };

void cnn_interrupts_catch(Interrupts *before)
{
    struct sigaction noted, ignored;
    memset(&noted, 0, sizeof noted);
    noted.sa_handler = catch_signal;
    noted.sa_flags = (int)SA_RESETHAND | SA_RESTART; /* reset: whoever asks twice does not want to wait */
    sigemptyset(&noted.sa_mask);
    memset(&ignored, 0, sizeof ignored);
    ignored.sa_handler = SIG_IGN;
    sigemptyset(&ignored.sa_mask);
    atomic_store(&caught, 0);
    atomic_store(&checkpoint, false);
    for (int i = 0; i < INTERRUPT_SIGNALS; i++) {
        sigaction(signals[i], NULL, &before->action[i]);
        if (signals[i] != SIGHUP || before->action[i].sa_handler != SIG_IGN)
            sigaction(signals[i], i < NOTED ? &noted : &ignored, NULL);
    }
}

void cnn_interrupts_release(const Interrupts *before)
{
    for (int i = 0; i < INTERRUPT_SIGNALS; i++)
        sigaction(signals[i], &before->action[i], NULL);
}

int cnn_interrupted(void)
{
    return atomic_load(&caught);
}

void cnn_interrupt_ask(void)
{
    int none = 0;
    atomic_compare_exchange_strong(&caught, &none, INTERRUPT_ASKED);
}

void cnn_checkpoint_ask(void)
{
    atomic_store(&checkpoint, true);
}

bool cnn_checkpoint_asked(void)
{
    return atomic_exchange(&checkpoint, false);
}
