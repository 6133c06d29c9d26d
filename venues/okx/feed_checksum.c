/* bidPx:bidSz:askPx:askSz:... level by level, a side that has ended left out; signed CRC32. The
 * venue writes every number in its shortest form (checked over the recordings), so that integers
 * give its text back. */
#include "common/leaf/fixed.h"
#include "common/pure/crypto.h"
#include "venues/okx/feed.h"

static char *put_level(char *at, const struct wire_level *level, const struct okx_scale *scale)
{
    int len = fixed_format_trim(level->price, scale->price_exp, at, FIXED_TEXT_MAX);

    at += MAX(len, 0);
    *at++ = ':';
    len = okx_qty_write(scale, level->qty, scale->qty_exp, at, FIXED_TEXT_MAX);
    at += MAX(len, 0);
    *at++ = ':';
    return at;
}

int32_t okx_checksum(const struct book *book, const struct okx_scale *scale)
{
    char text[2 * OKX_CHECKSUM_LEVELS * 2 * (FIXED_TEXT_MAX + 1) + 1];
    char *at = text;

    for (uint32_t i = 0; i < OKX_CHECKSUM_LEVELS; i++) {
        const struct wire_level *bid = book_level(&book->bids, i);
        const struct wire_level *ask = book_level(&book->asks, i);
        if (bid)
            at = put_level(at, bid, scale);
        if (ask)
            at = put_level(at, ask, scale);
    }
    size_t len = (size_t)(at - text);
    return (int32_t)crc32_ieee(text, len ? len - 1 : 0);
}
