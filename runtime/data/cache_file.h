/* The file of `cache disk`: records of one size behind a header that says what they were made of, each with a
 * checksum. It is built beside, as PATH.part, under a lock that others see, and renamed when every record is
 * there; a build that ended early is gone on with by the next one. Records are read with pread, like all that
 * the data are read from: a mapped file that is cut while in use would end the process, and one larger than
 * the address space that `ulimit -v` leaves could not be mapped at all. */
#ifndef CNN_CACHE_FILE_H
#define CNN_CACHE_FILE_H

#include <stdbool.h>

#include "runtime/key.h"
#include "runtime/status.h"

/* What a file holds. */
typedef struct {
    Key key;                         /* of all that the records are made of */
    int64_t count;                   /* records */
    int64_t height, width, channels; /* of a record */
    int64_t dtype;                   /* Dtype */
} CacheContent;

typedef enum {
    RECORD_EMPTY, /* not written, or damaged */
    RECORD_KEPT,
    RECORD_NONE /* the sample is not kept: its source is to be asked */
} RecordState;

typedef struct CacheFile CacheFile;

/** Bytes of a record's values. */
uint64_t cache_record_bytes(const CacheContent *content);
/** Bytes of a file. False: more than can be counted. */
bool cache_file_bytes(const CacheContent *content, uint64_t *bytes);
/** Bytes that a file of that path may take: those free in its folder, and those that an older one there has.
 */
uint64_t cache_file_room(const char *path);

/** Sets the content's dtype to that of a whole file that is otherwise of this content. False: there is none.
 */
bool cache_file_peek(const char *path, CacheContent *content);
/** Opens a whole file of this content; *out is NULL where there is none. */
CnnStatus cache_file_open(const char *path, const CacheContent *content, CacheFile **out, CnnError *error);

/**
 * Begins a file, or goes on with one of this content that was begun (*begun). Its room on the disk is taken
 * here. *out is NULL while another process builds it, or when it is there meanwhile. origin: what the samples
 * are made of, a path.
 *
 * Errors  CNN_NO_RESOURCE: it cannot be written, or the disk has not as much room.
 */
CnnStatus cache_file_build(const char *path, const CacheContent *content, const char *origin, CacheFile **out,
                           bool *begun, CnnError *error);
/** Tells the origin of the file at `path`, whole or not; "": it was begun by a cnnc that did not note it.
 * `origin` has PATH_MAX bytes. False: it is none that cache_file_open would open. */
bool cache_file_origin(const char *path, char *origin);
/** Puts a file that was built in its place. */
CnnStatus cache_file_commit(CacheFile *file, CnnError *error);
/** A build that was not committed stays to be gone on with, unless it has no records or one failed. */
void cache_file_close(CacheFile *file);

/** Reads a record into `out`; RECORD_EMPTY where it does not match its checksum. From any thread. */
RecordState cache_file_read(const CacheFile *file, int64_t index, void *out);
/** Writes a record, or RECORD_NONE where `bytes` is NULL. From any thread. */
CnnStatus cache_file_write(CacheFile *file, int64_t index, const void *bytes, CnnError *error);

#endif
