/* Ctrl-C, kill and a closed terminal, and what other threads ask of a training: noted, and acted upon between
 * two steps. */
#ifndef CNN_INTERRUPT_H
#define CNN_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

enum { INTERRUPT_SIGNALS = 5, INTERRUPT_ASKED = -1 };
typedef struct {
    struct sigaction action[INTERRUPT_SIGNALS]; /* as they were */
} Interrupts;

/**
 * From now on SIGINT, SIGTERM and SIGHUP are noted; the second one ends the process at once, as if nobody
 * listened. A SIGHUP that was ignored (nohup) stays so. A closed pipe or a limit of the size of files makes a
 * write fail, and does not end the process. What was asked before is forgotten.
 */
void cnn_interrupts_catch(Interrupts *before);
void cnn_interrupts_release(const Interrupts *before);

/** The signal that came, INTERRUPT_ASKED, or 0. */
int cnn_interrupted(void);

/** Asks for what Ctrl-C does. From any thread. */
void cnn_interrupt_ask(void);

/** Asks for a checkpoint when the running step is done. From any thread. */
void cnn_checkpoint_ask(void);
/** Whether one has been asked for since the last call. */
bool cnn_checkpoint_asked(void);

#endif
