/* Names and ids (1.1): WebSocket BTC/USD, REST altname XBTUSD, REST key XXBTZUSD, assets XXBT. */
#include "venues/kraken/sim_kraken.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *code, *rest, *old; /* old: in altnames. */
} assets[] = {
    { "BTC", "XXBT", "XBT" }, { "ETH", "XETH", "ETH" }, { "DOGE", "XXDG", "XDG" },
    { "LTC", "XLTC", "LTC" }, { "XRP", "XXRP", "XRP" }, { "USD", "ZUSD", "USD" },
    { "EUR", "ZEUR", "EUR" }, { "GBP", "ZGBP", "GBP" },
};

static const char *old_name(const char *code)
{
    for (size_t i = 0; i < COUNT(assets); i++)
        if (strcmp(assets[i].code, code) == 0)
            return assets[i].old;
    return code;
}

void kraken_asset(const char *code, char out[24])
{
    const char *name = code;

    for (size_t i = 0; i < COUNT(assets); i++)
        if (strcmp(assets[i].code, code) == 0)
            name = assets[i].rest;
    snprintf(out, 24, "%s", name);
}

void kraken_altname(const struct exchange_instrument *instrument, char out[40])
{
    snprintf(out, 40, "%s%s", old_name(instrument->config.base),
             old_name(instrument->config.quote));
}

void kraken_rest_key(const struct exchange_instrument *instrument, char out[40])
{
    char base[24], quote[24];

    kraken_asset(instrument->config.base, base);
    kraken_asset(instrument->config.quote, quote);
    /* Pairs of two old assets have the long key; all others go by their altname. */
    if (base[0] == 'X' && strlen(base) == 4 && (quote[0] == 'Z' || quote[0] == 'X') &&
        strlen(quote) == 4)
        snprintf(out, 40, "%.4s%.4s", base, quote);
    else
        kraken_altname(instrument, out);
}

uint32_t kraken_find_pair(const struct exchange *exchange, const char *name)
{
    for (uint32_t i = 0; i < exchange->instrument_count; i++) {
        const struct exchange_instrument *instrument = &exchange->instruments[i];
        char alt[40], key[40], ws[48];

        kraken_altname(instrument, alt);
        kraken_rest_key(instrument, key);
        snprintf(ws, sizeof ws, "%s/%s", old_name(instrument->config.base),
                 old_name(instrument->config.quote));
        if (strcasecmp(name, alt) == 0 || strcasecmp(name, key) == 0 || strcasecmp(name, ws) == 0 ||
            strcasecmp(name, instrument->config.symbol) == 0)
            return i;
    }
    return EXCHANGE_NONE;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* 13 characters carry the id in base 32, least significant first; the last 3 repeat the first,
 * altered. */
void kraken_txid(char letter, uint64_t id, char out[KRAKEN_TXID_LEN + 1])
{
    size_t at = 0;

    out[at++] = letter;
    for (unsigned i = 0; i < 16; i++) {
        if (at == 6 || at == 12)
            out[at++] = '-';
        out[at++] = digits[((id >> (5 * (i % 13))) ^ (i >= 13 ? i : 0)) & 31];
    }
    out[at] = '\0';
}

uint64_t kraken_txid_read(char letter, const char *text)
{
    char again[KRAKEN_TXID_LEN + 1];
    uint64_t id = 0;
    unsigned i = 0;

    if (strlen(text) < 14 || text[0] != letter)
        return 0;
    for (size_t at = 1; text[at] && i < 13; at++) {
        const char *digit = strchr(digits, text[at]);

        if (text[at] == '-')
            continue;
        if (!digit)
            return 0;
        id |= (uint64_t)(digit - digits) << (5 * i++);
    }
    kraken_txid(letter, id, again);
    return strcmp(again, text) == 0 ? id : 0;
}
