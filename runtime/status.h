/* How runtime functions fail: they return a status and write one sentence into the caller's CnnError.
 * Nothing below the trainer's `main` prints or exits. */
#ifndef CNN_STATUS_H
#define CNN_STATUS_H

/* The values are the process's exit codes (docs/commands.md). */
typedef enum {
    CNN_OK = 0,
    CNN_BAD_INPUT = 1,    /* the model, the data or a weight file is wrong */
    CNN_BAD_USAGE = 2,    /* a flag is wrong */
    CNN_NO_RESOURCE = 3,  /* memory, disk or device could not */
    CNN_DIVERGED = 4,     /* a loss that is not finite */
    CNN_INTERRUPTED = 130 /* stopped by the user, after the checkpoint was written */
} CnnStatus;

typedef struct {
    CnnStatus status;
    char text[2048]; /* one sentence, without "error:" and without a newline; empty when status is CNN_OK */
} CnnError;

#if defined(__GNUC__)
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#else
#define PRINTF_LIKE(text, first)
#endif

/** Fills `error` and returns `status`. An error already there is kept: the first cause wins. */
CnnStatus cnn_fail(CnnError *error, CnnStatus status, const char *format, ...) PRINTF_LIKE(3, 4);

/** Passes a failure up. */
#define TRY(call)                                                                                            \
    do {                                                                                                     \
        CnnStatus status_of_call = (call);                                                                   \
        if (status_of_call != CNN_OK)                                                                        \
            return status_of_call;                                                                           \
    } while (0)

#endif
