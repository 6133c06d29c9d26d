/* err.h - the project's error codes.
 *
 * A function that can fail returns int: 0, or one of these (negative); its outputs are then
 * untouched. Codes appear in logs and metrics: never renumber, never reuse. */
#ifndef TICKPIPE_COMMON_LEAF_ERR_H
#define TICKPIPE_COMMON_LEAF_ERR_H

#define ERR_MAP(X)                                \
    X(ERR_AGAIN, -1, "not now, try later")        \
    X(ERR_RANGE, -2, "argument out of range")     \
    X(ERR_PROTO, -3, "bytes break the protocol")  \
    X(ERR_STALE, -4, "sequence gap in the book")  \
    X(ERR_SYS, -5, "system call failed")          \
    X(ERR_FULL, -6, "no room left")               \
    X(ERR_NOT_FOUND, -7, "not found")             \
    X(ERR_CONFIG, -8, "configuration refused")    \
    X(ERR_AUTH, -9, "authentication refused")     \
    X(ERR_TIMEOUT, -10, "time ran out")           \
    X(ERR_EXISTS, -11, "already there")           \
    X(ERR_CLOSED, -12, "connection closed")       \
    X(ERR_VERSION, -13, "unknown version")        \
    X(ERR_UNSUPPORTED, -14, "not supported here") \
    X(ERR_CHECKSUM, -15, "checksum differs")      \
    X(ERR_LOCKED, -16, "held by another process")

#define ERR_AS_ENUM(name, code, text) name = (code),
enum err { ERR_MAP(ERR_AS_ENUM) };

/* err_str gives the sentence of a code, "ok" for 0, "unknown error" for anything else. */
const char *err_str(int err);

#endif
