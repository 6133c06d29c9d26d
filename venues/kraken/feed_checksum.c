/* Asks from the best up, then bids from the best down, ten each; of every level price and quantity
 * at the pair's full precision, without point and leading zeros; CRC32 over the text. Trailing
 * zeros count: a checksum that fails is nearly always a lost zero. */
#include "common/leaf/fixed.h"
#include "common/pure/crypto.h"
#include "venues/kraken/feed.h"

#include <string.h>

enum { NUMBER_MAX = 20 + FIXED_EXP_MAX }; /* uint64 and the zeros that a finer text adds. */
static_assert(sizeof(((struct kraken_sum_level *)0)->text) >= 2 * NUMBER_MAX, "two numbers");

static const char pairs_of_digits[] = "000102030405060708091011121314151617181920212223242526272829"
                                      "3031323334353637383940414243444546474849"
                                      "505152535455565758596061626364656667686970717273747576777879"
                                      "8081828384858687888990919293949596979899";

/* Writes value (>= 0) and zeros more zeros; gives the end. */
static char *put_number(char *at, uint64_t value, int zeros)
{
    char text[NUMBER_MAX];
    char *first = text + sizeof(text);

    while (value >= 100) {
        first -= 2;
        memcpy(first, pairs_of_digits + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        first -= 2;
        memcpy(first, pairs_of_digits + 2 * value, 2);
    } else if (value > 0) {
        *--first = (char)('0' + value);
    } else {
        zeros = 0; /* Nothing but leading zeros. */
    }
    size_t len = (size_t)(text + sizeof(text) - first);
    memcpy(at, first, len);
    memset(at + len, '0', (size_t)zeros);
    return at + len + zeros;
}

/* How a number at the book's exponent becomes one at the text's decimals. */
struct shift {
    uint64_t divisor;
    int zeros;
};

static struct shift shift_of(int exp, int decimals)
{
    return decimals <= exp ? (struct shift){ (uint64_t)fixed_pow10(exp - decimals), 0 }
                           : (struct shift){ 1, decimals - exp };
}

static bool is_of(const struct kraken_sum_level *text, const struct wire_level *level)
{
    return text->price == level->price && text->qty == level->qty;
}

static void write_level(struct kraken_sum_level *text, const struct wire_level *level,
                        struct shift price, struct shift qty)
{
    char *end = put_number(text->text, (uint64_t)level->price / price.divisor, price.zeros);

    end = put_number(end, (uint64_t)level->qty / qty.divisor, qty.zeros);
    text->price = level->price;
    text->qty = level->qty;
    text->len = (uint8_t)(end - text->text);
}

/* Brings one side's texts up to date. A level that came or went moves those behind it by one; most
 * others are as they were. */
static char *put_side(char *at, struct kraken_sum_level *texts, const struct book_side *side,
                      struct shift price, struct shift qty)
{
    enum { LAST = KRAKEN_CHECKSUM_LEVELS - 1 };
    const struct wire_level *level = book_level(side, 0);

    for (uint32_t i = 0; i <= LAST && level; i++) {
        const struct wire_level *next = book_level(side, i + 1);
        struct kraken_sum_level *text = &texts[i];
        if (!is_of(text, level)) {
            if (i < LAST && is_of(text + 1, level)) {
                memmove(text, text + 1, (LAST - i) * sizeof(*text));
            } else {
                if (i < LAST && next && is_of(text, next))
                    memmove(text + 1, text, (LAST - i) * sizeof(*text));
                write_level(text, level, price, qty);
            }
        }
        memcpy(at, text->text, text->len);
        at += text->len;
        level = next;
    }
    return at;
}

uint32_t kraken_checksum(struct kraken_sum *sum, const struct book *book, int price_decimals,
                         int qty_decimals)
{
    char text[2 * KRAKEN_CHECKSUM_LEVELS * sizeof(sum->bids[0].text)];
    struct shift price = shift_of(book->price_exp, price_decimals);
    struct shift qty = shift_of(book->qty_exp, qty_decimals);

    if (sum->price_decimals != price_decimals || sum->qty_decimals != qty_decimals)
        *sum =
            (struct kraken_sum){ .price_decimals = price_decimals, .qty_decimals = qty_decimals };
    char *end = put_side(text, sum->asks, &book->asks, price, qty);
    end = put_side(end, sum->bids, &book->bids, price, qty);
    return crc32_ieee(text, (size_t)(end - text));
}
