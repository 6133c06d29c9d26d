/* wire_table.h - the lists of wire.h as tables, for what reads events without knowing them: the
 * text dump, the published page, tests. Read-only. */
#ifndef TICKPIPE_COMMON_PURE_WIRE_TABLE_H
#define TICKPIPE_COMMON_PURE_WIRE_TABLE_H

#include "common/leaf/base.h"
#include "common/pure/wire.h"

#define WIRE_KIND_CONSTANT(kind, ctype, doc)  WIRE_KIND_##kind,
#define WIRE_ENUM_CONSTANT(name, LIST, ctype) WIRE_KIND_##name,
#define WIRE_PART_CONSTANT(part, bytes)       WIRE_KIND_##part,
enum wire_kind {
    WIRE_KINDS(WIRE_KIND_CONSTANT) WIRE_ENUMS(WIRE_ENUM_CONSTANT) WIRE_PARTS(WIRE_PART_CONSTANT)
};

struct wire_field {
    const char *name;
    const char *doc;
    enum wire_kind kind;
    uint16_t offset; /* From the event's (or the part's) first byte. */
    uint16_t count;  /* 0: not an array. */
};

struct wire_fields {
    const struct wire_field *at;
    size_t count;
};

struct wire_layout {
    uint16_t type;
    const char *name;
    uint32_t size; /* With every array full. */
    bool has_tail; /* Its last array is sent as long as it is used. */
    uint16_t port; /* 0: every stream. */
    const char *doc;
    struct wire_fields fields;
};

struct wire_constant {
    unsigned value;
    const char *text;
};

/* What a kind is: a number or text (neither constants nor fields), an enumeration, or a part. */
struct wire_kind_info {
    const char *name;
    const char *ctype;
    const char *doc; /* NULL: constants or fields say it. */
    size_t size;     /* Of one. */
    const struct wire_constant *constants;
    size_t constant_count;
    struct wire_fields fields;
};

/* wire_layout_at gives the i-th event, NULL after the last; wire_layout_of that of a type, or NULL.
 */
const struct wire_layout *wire_layout_at(size_t i);
const struct wire_layout *wire_layout_of(uint16_t type);

/* wire_header_fields gives the header's. */
const struct wire_fields *wire_header_fields(void);

/* wire_kind_of gives what a kind is. */
const struct wire_kind_info *wire_kind_of(enum wire_kind kind);

#endif
