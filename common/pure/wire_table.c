#include "common/pure/wire_table.h"

#define AS_ROW(kind_, name_, doc_) \
    { #name_, doc_, WIRE_KIND_##kind_, offsetof(this_struct, name_), 0 },
#define AS_ARRAY_ROW(kind_, name_, count_, doc_) \
    { #name_, doc_, WIRE_KIND_##kind_, offsetof(this_struct, name_), count_ },

/* Each table stands in a function of its own, where this_struct can name what its offsets are taken
 * in. */
#define AS_LAYOUT(id, event, bytes, tail, port, doc)                                      \
    static const struct wire_layout *layout_##event(void)                                 \
    {                                                                                     \
        typedef struct wire_##event this_struct;                                          \
        static const struct wire_field rows[] = { FIELDS_##event(AS_ROW, AS_ARRAY_ROW) }; \
        static const struct wire_layout layout = {                                        \
            id, #event, bytes, tail, port, doc, { rows, COUNT(rows) },                    \
        };                                                                                \
        return &layout;                                                                   \
    }
WIRE_EVENTS(AS_LAYOUT)

const struct wire_layout *wire_layout_at(size_t i)
{
#define AS_FUNCTION(id, event, bytes, tail, port, doc) layout_##event,
    static const struct wire_layout *(*const layouts[])(void) = { WIRE_EVENTS(AS_FUNCTION) };

    return i < COUNT(layouts) ? layouts[i]() : NULL;
}

const struct wire_layout *wire_layout_of(uint16_t type)
{
#define AS_LAYOUT_CASE(id, event, bytes, tail, port, doc) \
    case WIRE_##event:                                    \
        return layout_##event();
    switch (type) {
        WIRE_EVENTS(AS_LAYOUT_CASE)
    default:
        return NULL;
    }
}

const struct wire_fields *wire_header_fields(void)
{
    typedef struct wire_header this_struct;
    static const struct wire_field rows[] = { FIELDS_header(AS_ROW) };
    static const struct wire_fields fields = { rows, COUNT(rows) };

    return &fields;
}

#define AS_PART_KIND(part, bytes)                                                            \
    static const struct wire_kind_info *info_##part(void)                                    \
    {                                                                                        \
        typedef struct wire_##part this_struct;                                              \
        static const struct wire_field rows[] = { PART_##part(AS_ROW) };                     \
        static const struct wire_kind_info info = {                                          \
            .name = #part, .ctype = "struct", .size = bytes, .fields = { rows, COUNT(rows) } \
        };                                                                                   \
        return &info;                                                                        \
    }
WIRE_PARTS(AS_PART_KIND)

#define AS_CONSTANT(name, value, text) { value, text },
#define AS_ENUM_KIND(enum_, LIST, ctype_)                                            \
    static const struct wire_kind_info *info_##enum_(void)                           \
    {                                                                                \
        static const struct wire_constant rows[] = { LIST(AS_CONSTANT) };            \
        static const struct wire_kind_info info = { .name = #enum_,                  \
                                                    .ctype = #ctype_,                \
                                                    .size = sizeof(ctype_),          \
                                                    .constants = rows,               \
                                                    .constant_count = COUNT(rows) }; \
        return &info;                                                                \
    }
WIRE_ENUMS(AS_ENUM_KIND)

#define AS_PLAIN_KIND(kind_, ctype_, doc_)                                        \
    static const struct wire_kind_info *info_##kind_(void)                        \
    {                                                                             \
        static const struct wire_kind_info info = {                               \
            .name = #kind_, .ctype = #ctype_, .doc = doc_, .size = sizeof(ctype_) \
        };                                                                        \
        return &info;                                                             \
    }
WIRE_KINDS(AS_PLAIN_KIND)

const struct wire_kind_info *wire_kind_of(enum wire_kind kind)
{
#define PLAIN_KIND_CASE(name, ctype, doc) \
    case WIRE_KIND_##name:                \
        return info_##name();
#define ENUM_KIND_CASE(name, LIST, ctype) PLAIN_KIND_CASE(name, ctype, "")
#define PART_KIND_CASE(name, bytes)       PLAIN_KIND_CASE(name, struct, "")
    switch (kind) {
        WIRE_KINDS(PLAIN_KIND_CASE)
        WIRE_ENUMS(ENUM_KIND_CASE)
        WIRE_PARTS(PART_KIND_CASE)
    }
    return NULL;
}
