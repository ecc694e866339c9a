/* What the system knows of this process: facts for benchmarks. */
#ifndef PROCESS_H
#define PROCESS_H

/** Seconds since the process was started, to some hundredths; 0 where the system does not say. */
double process_seconds(void);

/** Seconds that all its threads together have computed so far. */
double process_cores(void);

/** Seconds, of all threads together, in which one could have run but another program had the core; 0 where
 * the system does not say. */
double process_delayed(void);

#endif
