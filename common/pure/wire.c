#include "common/pure/wire.h"
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"

#include <string.h>

static_assert(WIRE_SEQUENCES_MAX == sizeof(((struct wire_heartbeat *)0)->sequences) / 16,
              "a heartbeat's entries have 16 bytes");

/* ---- names ---- */

const char *wire_name(uint16_t type)
{
#define AS_NAME(id, event, bytes, tail, port, doc) \
    case WIRE_##event:                             \
        return #event;
    switch (type) {
        WIRE_EVENTS(AS_NAME)
    default:
        return NULL;
    }
}

int wire_port(uint16_t type)
{
#define AS_PORT(id, event, bytes, tail, port, doc) \
    case WIRE_##event:                             \
        return port;
    switch (type) {
        WIRE_EVENTS(AS_PORT)
    default:
        return -1;
    }
}

#define AS_TEXT_CASE(name, value, text) \
    case value:                         \
        return text;
#define AS_FROM(name, value, text) \
    if (strcmp(wanted, text) == 0) \
        return value;
#define AS_ENUM_FUNCTIONS(name, LIST, ctype)       \
    const char *wire_##name##_str(unsigned number) \
    {                                              \
        switch (number) {                          \
            LIST(AS_TEXT_CASE)                     \
        default:                                   \
            return "?";                            \
        }                                          \
    }                                              \
    int wire_##name##_from(const char *wanted)     \
    {                                              \
        LIST(AS_FROM)                              \
        return -1;                                 \
    }
WIRE_ENUMS(AS_ENUM_FUNCTIONS)

/* ---- book events ---- */

enum { BOOK_HEAD = offsetof(struct wire_book_delta, levels) };
static_assert((int)BOOK_HEAD == (int)offsetof(struct wire_book_snapshot, levels), "same layout");

void wire_book_begin(struct wire_book_delta *book, enum wire_type type)
{
    assert(type == WIRE_book_snapshot || type == WIRE_book_delta);
    memset(book, 0, BOOK_HEAD);
    book->header.type = (uint16_t)type;
    book->header.version = WIRE_VERSION;
    book->header.size = BOOK_HEAD;
}

void wire_book_end(struct wire_book_delta *book)
{
    uint32_t levels = (uint32_t)book->bid_count + book->ask_count;

    assert(levels <= WIRE_LEVELS_MAX);
    book->header.size = BOOK_HEAD + levels * (uint32_t)sizeof(struct wire_level);
}

/* ---- validation: fields are loaded one by one, for the bytes may lie anywhere ---- */

#define PASSES(kind)                                   \
    static inline bool valid_##kind(wire_##kind value) \
    {                                                  \
        (void)value;                                   \
        return true;                                   \
    }
PASSES(u8)
PASSES(u16)
PASSES(u32)
PASSES(u64)
PASSES(i8)
PASSES(i32)
PASSES(i64)
PASSES(price)
PASSES(qty)
PASSES(amount)
PASSES(ns)
PASSES(epoch_ns)
PASSES(id)

#define IS_ZERO(kind)                                  \
    static inline bool valid_##kind(wire_##kind value) \
    {                                                  \
        return value == 0;                             \
    }
IS_ZERO(reserved8)
IS_ZERO(reserved16)
IS_ZERO(reserved32)

static inline bool valid_exp(wire_exp exp)
{
    return exp >= FIXED_EXP_MIN && exp <= FIXED_EXP_MAX;
}

#define IS_KNOWN(name, value, text) case value:
#define AS_VALID_ENUM(name, LIST, ctype)                \
    static inline bool valid_##name(wire_##name number) \
    {                                                   \
        switch (number) {                               \
            LIST(IS_KNOWN)                              \
            return true;                                \
        default:                                        \
            return false;                               \
        }                                               \
    }
WIRE_ENUMS(AS_VALID_ENUM)

static inline bool valid_text_array(const char *text, size_t count)
{
    return text[count - 1] == '\0';
}

static inline bool valid_sequence_array(const char *at, size_t count)
{
    struct wire_sequence entry;
    bool is_valid = true;

    for (size_t i = 0; i < count; i++) {
        memcpy(&entry, at + i * sizeof(entry), sizeof(entry));
        is_valid &= entry.reserved == 0 && entry.reserved2 == 0;
    }
    return is_valid;
}

/* Entries beyond scope_count are zero: a kind of 0 has no name, but is no error there. */
static inline bool valid_scope_array(const char *at, size_t count)
{
    struct wire_scope entry;
    bool is_valid = true;

    for (size_t i = 0; i < count; i++) {
        memcpy(&entry, at + i * sizeof(entry), sizeof(entry));
        is_valid &= entry.kind == 0 || valid_scope_kind(entry.kind);
        is_valid &= valid_risk_state_kind(entry.state) && valid_reason(entry.reason);
    }
    return is_valid;
}

static inline bool valid_level_array(const char *at, size_t count)
{
    (void)at;
    (void)count;
    return true;
}

#define LOAD_KIND(kind)                                   \
    static inline wire_##kind load_##kind(const char *at) \
    {                                                     \
        wire_##kind value;                                \
        memcpy(&value, at, sizeof(value));                \
        return value;                                     \
    }
#define LOAD_ENUM(name, LIST, ctype) LOAD_KIND(name)
LOAD_KIND(u8)
LOAD_KIND(u16)
LOAD_KIND(u32)
LOAD_KIND(u64)
LOAD_KIND(i8)
LOAD_KIND(i32)
LOAD_KIND(i64)
LOAD_KIND(price)
LOAD_KIND(qty)
LOAD_KIND(amount)
LOAD_KIND(ns)
LOAD_KIND(epoch_ns)
LOAD_KIND(id)
LOAD_KIND(exp)
LOAD_KIND(reserved8)
LOAD_KIND(reserved16)
LOAD_KIND(reserved32)
WIRE_ENUMS(LOAD_ENUM)

#define AND_FIELD(kind, name, doc) &&valid_##kind(load_##kind(at + offsetof(this_event, name)))
#define AND_ARRAY(kind, name, count, doc) \
    &&valid_##kind##_array(at + offsetof(this_event, name), count)
#define AS_FIELDS_VALID(id, event, bytes, tail, port, doc) \
    static bool fields_valid_##event(const char *at)       \
    {                                                      \
        typedef struct wire_##event this_event;            \
        return true FIELDS_##event(AND_FIELD, AND_ARRAY);  \
    }
WIRE_EVENTS(AS_FIELDS_VALID)

#define LOAD_MEMBER(at, type, member) load_u16((at) + offsetof(type, member))

/* What a count says must be there. A book event is as long as its levels. */
static bool size_fits(uint16_t type, const char *at, size_t size, size_t full_size, bool has_tail)
{
    if (!has_tail)
        return size == full_size;
    assert(type == WIRE_book_snapshot || type == WIRE_book_delta);
    (void)type;
    if (size < BOOK_HEAD)
        return false;
    uint32_t levels = (uint32_t)LOAD_MEMBER(at, struct wire_book_delta, bid_count) +
                      LOAD_MEMBER(at, struct wire_book_delta, ask_count);
    return levels <= WIRE_LEVELS_MAX && size == BOOK_HEAD + levels * sizeof(struct wire_level);
}

static bool counts_fit(uint16_t type, const char *at)
{
    if (type == WIRE_heartbeat)
        return LOAD_MEMBER(at, struct wire_heartbeat, sequence_count) <= WIRE_SEQUENCES_MAX;
    if (type != WIRE_risk_state)
        return true;

    unsigned count = LOAD_MEMBER(at, struct wire_risk_state, scope_count);
    if (count > WIRE_SCOPES_MAX)
        return false;
    const char *kind =
        at + offsetof(struct wire_risk_state, scopes) + offsetof(struct wire_scope, kind);
    for (unsigned i = 0; i < count; i++, kind += sizeof(struct wire_scope))
        if (*kind == 0)
            return false;
    return true;
}

int wire_check(const void *bytes, size_t size)
{
    const char *at = bytes;
    struct wire_header header;
    bool is_valid;

    if (size < sizeof(header))
        return ERR_PROTO;
    memcpy(&header, at, sizeof(header));
    if (header.version != WIRE_VERSION)
        return ERR_VERSION;
#define AS_CHECK(id, event, bytes, tail, port, doc)                                              \
    case WIRE_##event:                                                                           \
        is_valid = size_fits(WIRE_##event, at, size, bytes, tail) && fields_valid_##event(at) && \
                   counts_fit(WIRE_##event, at);                                                 \
        break;
    switch (header.type) {
        WIRE_EVENTS(AS_CHECK)
    default:
        return ERR_NOT_FOUND;
    }
    is_valid &= header.size == size && header.reserved == 0 &&
                (header.flags & ~(WIRE_REPLAY | WIRE_SNAPSHOT | WIRE_SIMULATED)) == 0;
    return is_valid ? 0 : ERR_PROTO;
}
