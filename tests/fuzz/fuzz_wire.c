/* fuzz_wire: events of any bytes.
 *
 * The input is either raw bytes, or changes to a valid event. Laws: the check says the same
 * wherever the bytes lie; an event that passes has a name, dumps to JSON of the length that was
 * told, and a short buffer gets the beginning of it; a book takes it and stays sorted, bounded, and
 * stale when crossed. */
#include "common/leaf/err.h"
#include "common/pure/book.h"
#include "common/pure/scan.h"
#include "tests/unit/wire_samples.h"

#include <stdlib.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static union wire_event event;

static void dumps_to_json(void)
{
    static char line[262144], part[100];
    struct scan_value whole, type;

    int len = wire_dump(&event.header, line, sizeof(line));
    require(len > 0 && (size_t)len < sizeof(line) && strlen(line) == (size_t)len);
    require(scan_whole(line, (size_t)len, &whole) == 0 && whole.type == SCAN_OBJECT);
    require(scan_find(&whole, "type", &type) == 0 && scan_is(&type, wire_name(event.header.type)));
    require(wire_dump(&event.header, part, sizeof(part)) == len);
    require(memcmp(part, line, sizeof(part) - 1) == 0 && part[sizeof(part) - 1] == '\0');
}

static void side_is_sorted(const struct book_side *side)
{
    require(side->count <= side->max);
    for (uint32_t i = 0; i < side->count; i++) {
        const struct wire_level *level = book_level(side, i), *worse = book_level(side, i + 1);
        require(level->qty > 0);
        require(!worse ||
                (side->is_bid ? worse->price < level->price : worse->price > level->price));
    }
}

static void a_book_takes_it(void)
{
    static struct book book;
    static struct wire_book_delta snapshot;

    if (!book.bids.memory)
        require(book_init(&book, 7, 8, 8) == 0);
    int err = book_apply(&book, &event.header);
    side_is_sorted(&book.bids);
    side_is_sorted(&book.asks);
    require(err == 0 || book.is_stale);
    require(!event.book_delta.is_last || !book_is_crossed(&book) || book.is_stale);
    book_write_snapshot(&book, &snapshot);
    require(wire_check(&snapshot, snapshot.header.size) == 0);
}

static void check_event(size_t size)
{
    static char shifted[sizeof(event) + 1];
    int err = wire_check(&event, size);

    memcpy(shifted + 1, &event, size);
    require(wire_check(shifted + 1, size) == err);
    require(err == 0 || err == ERR_PROTO || err == ERR_VERSION || err == ERR_NOT_FOUND);
    if (err)
        return;
    require(event.header.size == size && wire_port(event.header.type) >= 0);
    dumps_to_json();
    if (event.header.type == WIRE_book_snapshot || event.header.type == WIRE_book_delta)
        a_book_takes_it();
}

/* Changes: pairs of a place and a value, in an event whose size stays right. */
static void changed_sample(const uint8_t *data, size_t size)
{
    const struct wire_layout *layout = wire_layout_at(data[0] % 32);

    if (!layout)
        return;
    sample_event(layout, data[1] % 8, &event);
    unsigned char *bytes = (unsigned char *)&event;
    size_t len = event.header.size;
    for (size_t i = 2; i + 2 < size; i += 3) {
        size_t at = (size_t)(data[i] | data[i + 1] << 8) % len;
        bytes[at] = data[i + 2];
    }
    check_event(len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > sizeof(event))
        return 0;
    if (data[0] & 0x80) {
        changed_sample(data + 1, size - 1);
        return 0;
    }
    /* In a block of their own size, so that a look past the end is seen. */
    uint8_t *raw = malloc(size - 1);
    memcpy(raw, data + 1, size - 1);
    int err = wire_check(raw, size - 1);
    memset(&event, 0, sizeof(event));
    memcpy(&event, raw, size - 1);
    require(wire_check(&event, size - 1) == err);
    free(raw);
    check_event(size - 1);
    return 0;
}
