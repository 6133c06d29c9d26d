/* docs/events.md: all that a stranger with a ZeroMQ binding needs to decode the bus. */
#include "common/pure/topology.h"
#include "common/pure/wire_table.h"

#include <stdio.h>
#include <string.h>

static const char introduction[] =
    "# Events of the tickpipe bus\n"
    "\n"
    "Everything needed to read the bus with any ZeroMQ binding. This page is written by the code "
    "that the\n"
    "programs are built from (`make docs`); do not edit it.\n"
    "\n"
    "## Transport\n"
    "\n"
    "- ZeroMQ PUB/SUB. Each stream has one port. Its publisher binds an XPUB socket there, and "
    "subscribers\n"
    "  connect SUB or XSUB sockets (on 7005 it is the subscriber that binds). Endpoints are "
    "`tcp://HOST:PORT`\n"
    "  or `ipc://PATH`. On one machine each venue's instances own one loopback address (127.0.0.1, "
    "127.0.0.2,\n"
    "  ...); `config/venues.ini` says which.\n"
    "- One event is one message of one frame: no multipart, no topic frame.\n"
    "- The first two bytes of a message are the event's type, little-endian. Subscribe to the "
    "empty prefix for\n"
    "  everything, or to the two bytes of each type wanted: `best_quote` is type 19, so its prefix "
    "is the bytes\n"
    "  `13 00`. Always subscribe to `heartbeat` (`02 00`) too: without it the loss of the last "
    "message before a\n"
    "  silence cannot be seen. Subscribe to it last: the publisher answers that subscription with "
    "a heartbeat\n"
    "  at once, and everything published after it is yours.\n"
    "- 6020, 7003, 7004 and 7005 use CURVE even on loopback, every stream does off loopback: the "
    "socket then\n"
    "  needs the publisher's public key and a client key pair that the publisher knows (`tickpipe "
    "keys`).\n"
    "\n"
    "## Bytes\n"
    "\n"
    "- All numbers are little-endian; signed ones are two's complement. There is no padding: each "
    "field is at\n"
    "  the offset that its table says, counted from the first byte of the message.\n"
    "- Every event begins with the same header of 64 bytes. Its `size` is the length of the "
    "message.\n"
    "- Every field is there in every event of its type. Only an event marked *variable* is shorter "
    "than its\n"
    "  full size: it ends with an array that is sent as long as its counts say.\n"
    "- Events of a type or version not listed here: skip them. Reserved bytes are 0.\n"
    "- A decimal is an integer and a count of decimals: value = integer / 10^exponent. Each event "
    "that holds\n"
    "  prices (kind `price`), quantities (`qty`) or amounts (`amount`) also holds `price_exp`, "
    "`qty_exp` or\n"
    "  `amount_exp`. With `price_exp` 8, the price 6160201000000 is 61602.01. A negative exponent "
    "multiplies.\n"
    "  Do not use binary floating point; 64-bit integers do not fit the numbers of JavaScript (use "
    "BigInt).\n"
    "- `instrument` is the first 8 bytes, read as a little-endian u64, of "
    "SHA-256(\"VENUE|KIND|SYMBOL\"), for\n"
    "  example `binance|spot|BTCUSDT`. The event `instrument` announces what it stands for.\n"
    "- `_ns` stamps are the publisher's CLOCK_MONOTONIC: compare them only within one host and one "
    "boot (a\n"
    "  heartbeat has `boot_id` and the wall clock). `exchange_ns` is the venue's own wall clock.\n"
    "\n";

static const char sequences[] =
    "## Epochs, sequence numbers, loss\n"
    "\n"
    "PUB/SUB drops messages when a subscriber is slow, late or away. A reader finds out with these "
    "rules:\n"
    "\n"
    "1. A publisher takes a new `epoch` at each start, greater than all before. `seq` counts from "
    "1 for each\n"
    "   (publisher, epoch, type), so keep the last `seq` for each of these.\n"
    "2. On the same epoch: `seq` = last + 1 is the next event; greater means that last + 1 .. "
    "`seq` - 1 are\n"
    "   missing (a gap); less or equal is a repeat.\n"
    "3. Every 100 ms each stream carries a `heartbeat`. Its `sequences` give the last `seq` of "
    "each type\n"
    "   published on that stream before it (a type not listed: none yet). If that is greater than "
    "the last one\n"
    "   that arrived, the ones between are missing, though nothing has followed them yet. The "
    "first heartbeat\n"
    "   after subscribing is where counting begins. No heartbeat for 1 s: the publisher is to be "
    "taken for dead.\n"
    "4. A greater epoch means that the publisher has restarted: forget its sequence numbers and "
    "treat what it\n"
    "   said before as old until its state has come again. Ignore messages of a smaller epoch.\n"
    "5. An event with the flag *replay* is an event published before, with the `seq` it had then: "
    "it fills a\n"
    "   gap, or repeats what is known; its seq says which. It may come after younger events. An "
    "event with the\n"
    "   flag *snapshot* has a new seq of its own; it tells a state and not a change.\n"
    "6. What a gap means is in the table of streams. *evident*: mark the book stale until the "
    "next\n"
    "   `book_snapshot` of that instrument. *recovered*: ask for a replay. *resent*: the next "
    "event of that kind\n"
    "   replaces it.\n"
    "\n"
    "## Asking upstream\n"
    "\n"
    "A reader that holds an XSUB socket can send a message to the publishers it is connected to, "
    "on the same\n"
    "connection: any message whose first byte is neither 0 nor 1 (those are ZeroMQ's own: 1 and a "
    "prefix\n"
    "subscribes, 0 and a prefix cancels). That is why the low byte of a type is never 0 or 1. The "
    "one message\n"
    "that publishers take is `state_request`, a whole event with its header: `type` 3, `version` "
    "1, `size` 104,\n"
    "`publisher` the one that is meant (0: every one connected), the rest of the header 0 where "
    "not said below.\n"
    "`request_id` is any number of the reader's choice.\n"
    "\n"
    "- kind `state`: the owner's whole current state of the stream. `snapshot` (6001): definition, "
    "status and\n"
    "  book of the header's `instrument` (0: all). Requests of one kind are collected for 100 ms "
    "and answered\n"
    "  together, with events that have the flag *snapshot*, then a `recovery_end` for each "
    "`request_id`.\n"
    "- kind `replay`, on *recovered* streams: events `from_seq` .. `to_seq` of `of_type` in "
    "`of_epoch`, at most\n"
    "  `page_max` (256), with the flag *replay*, then `recovery_end`. Without `is_complete` ask "
    "again from\n"
    "  `next_seq`. With `is_lost` the first of them are no longer kept: those before `next_seq` - "
    "`sent`.\n"
    "\n"
    "Everybody who subscribes to the stream sees the answers. A plain SUB socket cannot ask, and "
    "need not: state\n"
    "is also published when it changes, and snapshots whenever anybody asks.\n"
    "\n";

static const char book_rules[] = "## Order books\n"
                                 "\n"
                                 "A `book_snapshot` replaces the book of its instrument. A "
                                 "`book_delta` changes it: each level is a price and\n"
                                 "its new absolute quantity, 0 removes the level. `levels` holds "
                                 "`bid_count` bids and then `ask_count` asks;\n"
                                 "the message ends with the last of them. A message of the venue "
                                 "that does not fit into one event comes as\n"
                                 "several deltas; only the last has `is_last` 1, and only then is "
                                 "the book consistent. A `feed_status` with\n"
                                 "another state than `live` makes the book of its instrument (0: "
                                 "all books of that publisher) stale.\n"
                                 "\n";

/* ---- tables ---- */

/* A cell of a table: a bar in the text would end it. */
static void cell(FILE *file, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', file);
        fputc(*text, file);
    }
}

static void fields_table(FILE *file, const struct wire_fields *fields)
{
    fprintf(file, "| offset | size | field | kind | C type | meaning |\n"
                  "| ---: | ---: | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < fields->count; i++) {
        const struct wire_field *field = &fields->at[i];
        const struct wire_kind_info *kind = wire_kind_of(field->kind);
        size_t count = field->count ? field->count : 1;

        fprintf(file, "| %u | %zu | `%s` | %s", field->offset, count * kind->size, field->name,
                kind->name);
        if (field->count)
            fprintf(file, "[%u]", field->count);
        fprintf(file, " | %s", kind->ctype);
        if (kind->fields.count > 0)
            fprintf(file, " of %zu", kind->size);
        else if (field->count)
            fprintf(file, "[%u]", field->count);
        fprintf(file, " | ");
        cell(file, field->doc);
        fprintf(file, " |\n");
    }
    fprintf(file, "\n");
}

static const char *loss_text(enum stream_loss loss)
{
    switch (loss) {
    case LOSS_EVIDENT:
        return "evident";
    case LOSS_RECOVERED:
        return "recovered";
    case LOSS_RESENT:
        return "resent";
    }
    return "?";
}

static void subscribers(FILE *file, unsigned port)
{
    const char *before = "";

    for (int role = ROLE_MARKET_GATEWAY; role <= ROLE_OPERATOR; role++)
        if (role_subscribes((enum role)role, port)) {
            fprintf(file, "%s%s", before, role_name((enum role)role));
            before = ", ";
        }
}

static void events_of(FILE *file, unsigned port)
{
    const struct wire_layout *layout;
    const char *before = "";

    for (size_t i = 0; (layout = wire_layout_at(i)); i++)
        if (layout->port == port) {
            fprintf(file, "%s[%s](#%s)", before, layout->name, layout->name);
            before = ", ";
        }
}

static void streams_table(FILE *file)
{
    const struct stream *stream;

    fprintf(file, "## Streams\n\n"
                  "`heartbeat` and `recovery_end` come on every stream. The high-water mark is the "
                  "number of\n"
                  "messages that either side holds for the other before it drops.\n\n"
                  "| port | name | publisher | binds | subscribers of the pipeline | loss | "
                  "high-water mark | "
                  "CURVE on loopback | events |\n"
                  "| ---: | --- | --- | --- | --- | --- | ---: | --- | --- |\n");
    for (size_t i = 0; (stream = stream_at(i)); i++) {
        fprintf(file, "| %u | %s: %s | %s | %s | ", stream->port, stream->name, stream->doc,
                role_name(stream->publisher),
                stream->bind == PUBLISHER_BINDS ? "publisher" : "subscriber");
        subscribers(file, stream->port);
        fprintf(file, " | %s | %d | %s | ", loss_text(stream->loss), stream->high_water_mark,
                stream->is_curve ? "yes" : "no");
        events_of(file, stream->port);
        fprintf(file, " |\n");
    }
    fprintf(file, "\n");
}

static void roles_table(FILE *file)
{
    fprintf(file, "## Publishers\n\n"
                  "`publisher` in the header is role * 256 + instance. The instance is the venue's "
                  "number in\n"
                  "`config/venues.ini` for roles that run once per venue, else 0. `account` is "
                  "that number too.\n\n"
                  "| role | name | runs |\n| ---: | --- | --- |\n");
    for (int role = ROLE_MARKET_GATEWAY; role <= ROLE_OPERATOR; role++)
        fprintf(file, "| %d | %s | %s |\n", role, role_name((enum role)role),
                role_is_per_venue((enum role)role) ? "once per venue" : "once");
    fprintf(file, "\n");
}

static void kinds_table(FILE *file)
{
#define PLAIN_KIND(kind, ctype, doc) WIRE_KIND_##kind,
    static const enum wire_kind kinds[] = { WIRE_KINDS(PLAIN_KIND) };

    fprintf(file, "## Kinds of fields\n\n| kind | C type | size | what it holds |\n| --- | --- | "
                  "---: | --- |\n");
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const struct wire_kind_info *kind = wire_kind_of(kinds[i]);
        fprintf(file, "| %s | %s | %zu | %s |\n", kind->name, kind->ctype, kind->size, kind->doc);
    }
    fprintf(file, "\n");
}

static void enumerations(FILE *file)
{
#define ENUM_KIND(name, LIST, ctype) WIRE_KIND_##name,
    static const enum wire_kind kinds[] = { WIRE_ENUMS(ENUM_KIND) };

    fprintf(file, "## Enumerations\n\nOther values do not occur in this version.\n\n"
                  "| kind | C type | values |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const struct wire_kind_info *kind = wire_kind_of(kinds[i]);
        fprintf(file, "| %s | %s | ", kind->name, kind->ctype);
        for (size_t k = 0; k < kind->constant_count; k++)
            fprintf(file, "%s%u %s", k ? ", " : "", kind->constants[k].value,
                    kind->constants[k].text);
        fprintf(file, " |\n");
    }
    fprintf(file, "\n");
}

static void parts(FILE *file)
{
#define PART_KIND(part, bytes) WIRE_KIND_##part,
    static const enum wire_kind kinds[] = { WIRE_PARTS(PART_KIND) };

    fprintf(file, "## Entries of arrays\n\nOffsets count from the entry's first byte. Entries "
                  "beyond the event's "
                  "count are not to be read.\n\n");
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const struct wire_kind_info *kind = wire_kind_of(kinds[i]);
        fprintf(file, "### Entry `%s`: %zu bytes\n\n", kind->name, kind->size);
        fields_table(file, &kind->fields);
    }
}

static void header(FILE *file)
{
    fprintf(file, "## Header: the first %zu bytes of every event\n\n", sizeof(struct wire_header));
    fields_table(file, wire_header_fields());
    fprintf(file,
            "Flags: %d replay (repeat of an event published before), %d snapshot (state sent on "
            "request or\n"
            "on a timer, not a change), %d simulated (dry run: no venue knows of it).\n\n",
            WIRE_REPLAY, WIRE_SNAPSHOT, WIRE_SIMULATED);
}

static void events(FILE *file)
{
    const struct wire_layout *layout;

    fprintf(file, "## Events\n\n| type | prefix | name | size | port | what it says |\n"
                  "| ---: | --- | --- | ---: | ---: | --- |\n");
    for (size_t i = 0; (layout = wire_layout_at(i)); i++) {
        fprintf(file, "| %u | `%02x %02x` | [%s](#%s) | %s%u | ", layout->type, layout->type & 0xff,
                layout->type >> 8, layout->name, layout->name, layout->has_tail ? "up to " : "",
                layout->size);
        if (layout->port)
            fprintf(file, "%u | %s |\n", layout->port, layout->doc);
        else
            fprintf(file, "all | %s |\n", layout->doc);
    }
    fprintf(file, "\n");
    for (size_t i = 0; (layout = wire_layout_at(i)); i++) {
        const struct wire_field *last = &layout->fields.at[layout->fields.count - 1];

        fprintf(file, "### %s\n\nType %u, ", layout->name, layout->type);
        if (layout->has_tail)
            fprintf(file,
                    "*variable* size: %u bytes and %zu for each entry of `%s`, at most %u in all. ",
                    last->offset, wire_kind_of(last->kind)->size, last->name, layout->size);
        else
            fprintf(file, "%u bytes. ", layout->size);
        if (layout->port)
            fprintf(file, "On %u. ", layout->port);
        fprintf(file, "%c%s. After the header:\n\n", layout->doc[0] & ~0x20, layout->doc + 1);
        fields_table(file, &layout->fields);
    }
}

/* ---- a message as it goes over the wire, and what it says ---- */

static void example_event(struct wire_book_delta *book)
{
    wire_book_begin(book, WIRE_book_delta);
    book->header.publisher = PUBLISHER(ROLE_MARKET_GATEWAY, 1);
    book->header.account = 1;
    book->header.epoch = UINT64_C(1735689600000000000);
    book->header.seq = 258;
    book->header.instrument = UINT64_C(0xf7e8aea064b48306);
    book->header.origin_ns = 86400000000123;
    book->header.sent_ns = 86400000004567;
    book->exchange_ns = INT64_C(1735689612345000000);
    book->venue_seq = 70000000001;
    book->bid_count = 1;
    book->ask_count = 2;
    book->price_exp = 8;
    book->qty_exp = 8;
    book->is_last = 1;
    book->levels[0] = (wire_level){ INT64_C(6160201000000), 150000000 };
    book->levels[1] = (wire_level){ INT64_C(6160202000000), 0 };
    book->levels[2] = (wire_level){ INT64_C(6160300000000), 1 };
    wire_book_end(book);
}

static void example(FILE *file)
{
    /* No more than its three levels are touched. */
    static struct wire_book_delta book;
    char line[1024];

    example_event(&book);
    const unsigned char *bytes = (const unsigned char *)&book;
    fprintf(file,
            "## A message to test a decoder with\n\n"
            "A `book_delta` of %u bytes: one bid set, one ask removed, one ask set.\n\n```\n",
            book.header.size);
    for (uint32_t i = 0; i < book.header.size; i++) {
        if (i % 16 == 0)
            fprintf(file, "%04x ", i);
        fprintf(file, " %02x%s", bytes[i], i % 16 == 15 || i + 1 == book.header.size ? "\n" : "");
    }
    wire_dump(&book.header, line, sizeof(line));
    fprintf(file,
            "```\n\n`tickpipe tail` shows it so (numbers of 64 bits and decimals are strings, ids "
            "hexadecimal):\n\n"
            "```json\n%s\n```\n",
            line);
}

void wire_document(void *stream)
{
    FILE *file = stream;

    fputs(introduction, file);
    header(file);
    fputs(sequences, file);
    fputs(book_rules, file);
    streams_table(file);
    roles_table(file);
    kinds_table(file);
    enumerations(file);
    parts(file);
    events(file);
    example(file);
}
