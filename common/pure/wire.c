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

/* The lists make one of each kind; not every one is used today, and clang minds. */
#define UNUSED __attribute__((unused))

#define AS_LOAD(kind, ctype, doc)                                \
    UNUSED static inline wire_##kind load_##kind(const char *at) \
    {                                                            \
        wire_##kind value;                                       \
        memcpy(&value, at, sizeof(value));                       \
        return value;                                            \
    }
#define AS_LOAD_ENUM(name, LIST, ctype) AS_LOAD(name, ctype, "")
WIRE_KINDS(AS_LOAD)
WIRE_ENUMS(AS_LOAD_ENUM)

/* What each kind may hold. Most may hold anything. */
#define valid_u8(value)         ((void)(value), true)
#define valid_u16(value)        ((void)(value), true)
#define valid_u32(value)        ((void)(value), true)
#define valid_u64(value)        ((void)(value), true)
#define valid_i8(value)         ((void)(value), true)
#define valid_i32(value)        ((void)(value), true)
#define valid_i64(value)        ((void)(value), true)
#define valid_price(value)      ((void)(value), true)
#define valid_qty(value)        ((void)(value), true)
#define valid_amount(value)     ((void)(value), true)
#define valid_ns(value)         ((void)(value), true)
#define valid_epoch_ns(value)   ((void)(value), true)
#define valid_id(value)         ((void)(value), true)
#define valid_event_type(value) ((void)(value), true)
#define valid_reserved8(value)  ((value) == 0)
#define valid_reserved16(value) ((value) == 0)
#define valid_reserved32(value) ((value) == 0)

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

#define AND_FIELD(kind, name, doc) &&valid_##kind(load_##kind(at + offsetof(this_struct, name)))

#define AS_PART_VALID(part, bytes)                              \
    UNUSED static inline bool valid_part_##part(const char *at) \
    {                                                           \
        typedef struct wire_##part this_struct;                 \
        return true PART_##part(AND_FIELD);                     \
    }
WIRE_PARTS(AS_PART_VALID)

/* Entries of the other arrays are checked as far as their event's count says that they are used. */
#define valid_array_text(at, count)     ((at)[(count)-1] == '\0')
#define valid_array_level(at, count)    true
#define valid_array_sequence(at, count) true
#define valid_array_scope(at, count)    true
#define AND_ARRAY(kind, name, count, doc) \
    &&valid_array_##kind(at + offsetof(this_struct, name), count)

#define AS_FIELDS_VALID(id, event, bytes, tail, port, doc) \
    static bool fields_valid_##event(const char *at)       \
    {                                                      \
        typedef struct wire_##event this_struct;           \
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

static bool sequences_fit(const char *at)
{
    unsigned count = LOAD_MEMBER(at, struct wire_heartbeat, sequence_count);
    bool is_valid = count <= WIRE_SEQUENCES_MAX;

    at += offsetof(struct wire_heartbeat, sequences);
    for (unsigned i = 0; is_valid && i < count; i++, at += sizeof(struct wire_sequence))
        is_valid = valid_part_sequence(at);
    return is_valid;
}

static bool scopes_fit(const char *at)
{
    unsigned count = LOAD_MEMBER(at, struct wire_risk_state, scope_count);
    bool is_valid = count <= WIRE_SCOPES_MAX;

    at += offsetof(struct wire_risk_state, scopes);
    for (unsigned i = 0; is_valid && i < count; i++, at += sizeof(struct wire_scope))
        is_valid = valid_part_scope(at);
    return is_valid;
}

static bool counts_fit(uint16_t type, const char *at)
{
    switch (type) {
    case WIRE_heartbeat:
        return sequences_fit(at);
    case WIRE_risk_state:
        return scopes_fit(at);
    default:
        return true;
    }
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
