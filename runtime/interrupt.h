/* Ctrl-C, kill and a closed terminal: noted, and acted upon between two steps. */
#ifndef CNN_INTERRUPT_H
#define CNN_INTERRUPT_H

#include <signal.h>

enum { INTERRUPT_SIGNALS = 5 };
typedef struct {
    struct sigaction action[INTERRUPT_SIGNALS]; /* as they were */
} Interrupts;

/**
 * From now on SIGINT, SIGTERM and SIGHUP are noted; the second one ends the process at once, as if nobody
 * listened. A SIGHUP that was ignored (nohup) stays so. A closed pipe or a limit of the size of files makes a
 * write fail, and does not end the process.
 */
void cnn_interrupts_catch(Interrupts *before);
void cnn_interrupts_release(const Interrupts *before);

/** The signal that came, or 0. */
int cnn_interrupted(void);

#endif
