/* Ctrl-C and kill: noted, and acted upon between two steps. */
#ifndef CNN_INTERRUPT_H
#define CNN_INTERRUPT_H

#include <signal.h>

typedef struct {
    struct sigaction interrupt, terminate; /* as they were */
} Interrupts;

/** From now on SIGINT and SIGTERM are noted. The second one ends the process at once, as if nobody listened.
 */
void cnn_interrupts_catch(Interrupts *before);
void cnn_interrupts_release(const Interrupts *before);

/** The signal that came, or 0. */
int cnn_interrupted(void);

#endif
