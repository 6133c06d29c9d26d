#include "venues/kraken/kraken.h"

#include <stdio.h>
#include <stdlib.h>

int kraken_names_init(struct kraken_names *names)
{
    *names = (struct kraken_names){
        .pairs = calloc(KRAKEN_PAIRS_MAX, sizeof(struct kraken_pair)),
        .slots = calloc(KRAKEN_PAIR_SLOTS, sizeof(uint16_t)),
        .assets = calloc(KRAKEN_ASSETS_MAX, sizeof(struct kraken_asset)),
    };
    if (names->pairs && names->slots && names->assets)
        return 0;
    kraken_names_fini(names);
    return ERR_SYS;
}

void kraken_names_fini(struct kraken_names *names)
{
    free(names->pairs);
    free(names->slots);
    free(names->assets);
    *names = (struct kraken_names){ 0 };
}

static uint32_t hash_of(const char *symbol)
{
    uint32_t hash = 2166136261u;

    for (; *symbol; symbol++)
        hash = (hash ^ (unsigned char)*symbol) * 16777619u;
    return hash;
}

/* The slot of a symbol: where it is, or the free one where it would go. */
static uint16_t *slot_of(const struct kraken_names *names, const char *symbol)
{
    uint32_t at = hash_of(symbol);

    for (;; at++) {
        uint16_t *slot = &names->slots[at % KRAKEN_PAIR_SLOTS];
        if (*slot == 0 || strcmp(names->pairs[*slot - 1].symbol, symbol) == 0)
            return slot;
    }
}

struct kraken_pair *kraken_pair_put(struct kraken_names *names, const char *symbol)
{
    uint16_t *slot = slot_of(names, symbol);

    if (*slot)
        return &names->pairs[*slot - 1];
    if (names->pair_count == KRAKEN_PAIRS_MAX) {
        names->refused++;
        return NULL;
    }
    struct kraken_pair *pair = &names->pairs[names->pair_count++];
    *slot = (uint16_t)names->pair_count;
    *pair = (struct kraken_pair){ 0 };
    snprintf(pair->symbol, sizeof(pair->symbol), "%s", symbol);
    return pair;
}

const struct kraken_pair *kraken_pair_by_symbol(const struct kraken_names *names,
                                                const char *symbol)
{
    if (!names->slots)
        return NULL;
    uint16_t slot = *slot_of(names, symbol);
    return slot ? &names->pairs[slot - 1] : NULL;
}

const struct kraken_pair *kraken_pair_by_any(const struct kraken_names *names, const char *name)
{
    char symbol[32];

    if (strchr(name, '/'))
        return kraken_symbol_of(name, symbol) == 0 ? kraken_pair_by_symbol(names, symbol) : NULL;
    for (uint32_t i = 0; *name && i < names->pair_count; i++) {
        const struct kraken_pair *pair = &names->pairs[i];
        if (strcmp(pair->rest_key, name) == 0 || strcmp(pair->altname, name) == 0)
            return pair;
    }
    return NULL;
}

static const struct kraken_asset *asset_find(const struct kraken_names *names, const char *rest)
{
    for (uint32_t i = 0; i < names->asset_count; i++)
        if (strcmp(names->assets[i].rest, rest) == 0)
            return &names->assets[i];
    return NULL;
}

void kraken_asset_put(struct kraken_names *names, const char *rest, const char *code)
{
    if (!*rest || !*code || asset_find(names, rest))
        return;
    if (names->asset_count == KRAKEN_ASSETS_MAX) {
        names->refused++;
        return;
    }
    struct kraken_asset *asset = &names->assets[names->asset_count++];
    snprintf(asset->rest, sizeof(asset->rest), "%s", rest);
    snprintf(asset->code, sizeof(asset->code), "%s", code);
}

/* The venue's two renamed assets. */
static const char *modern(const char *code)
{
    if (strcmp(code, "XBT") == 0)
        return "BTC";
    if (strcmp(code, "XDG") == 0)
        return "DOGE";
    return code;
}

/* Assets that REST writes with a leading X, currencies with a leading Z: those of the venue's first
 * years, and no later ones. Used where the metadata has not been read. */
static const char *const with_x[] = { "XBT", "ETH", "LTC", "XRP", "XLM", "XMR",
                                      "ZEC", "ETC", "REP", "MLN", "XDG" };
static const char *const with_z[] = { "USD", "EUR", "GBP", "CAD", "JPY", "AUD" };

static bool is_one_of(const char *code, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], code) == 0)
            return true;
    return false;
}

void kraken_asset_code(const struct kraken_names *names, const char *rest, char out[16])
{
    char head[16] = "";
    size_t head_len = strcspn(rest, ".");
    const struct kraken_asset *asset;
    const char *code = head;

    snprintf(head, sizeof(head), "%.*s", (int)MIN(head_len, sizeof(head) - 1), rest);
    asset = asset_find(names, head);
    if (asset)
        code = asset->code;
    else if (strlen(head) == 4 && ((head[0] == 'X' && is_one_of(head + 1, with_x, COUNT(with_x))) ||
                                   (head[0] == 'Z' && is_one_of(head + 1, with_z, COUNT(with_z)))))
        code = modern(head + 1);
    else
        code = modern(head);
    snprintf(out, 16, "%.15s", code);
    size_t len = strlen(out);
    snprintf(out + len, 16 - len, "%s", strlen(rest) > head_len ? rest + head_len : "");
}

/* Letters, digits and dots: what goes unescaped into a frame or a body. */
static bool is_code(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '.'))
            return false;
    }
    return len >= 1 && len <= 12;
}

/* Splits "BTC-USD" or "XBT/USD" into modern codes. */
static int split(const char *name, char base[16], char quote[16])
{
    size_t at = strcspn(name, "/-");

    if (!name[at])
        return ERR_RANGE;
    const char *second = name + at + 1;
    if (!is_code(name, at) || !is_code(second, strlen(second)))
        return ERR_RANGE;
    char text[16];
    snprintf(text, sizeof(text), "%.*s", (int)at, name);
    snprintf(base, 16, "%s", modern(text));
    snprintf(quote, 16, "%s", modern(second));
    return 0;
}

int kraken_symbol_of(const char *name, char out[32])
{
    char base[16], quote[16];
    int err = split(name, base, quote);

    if (!err)
        snprintf(out, 32, "%s/%s", base, quote);
    return err;
}

static const char *old_name(const char *code)
{
    if (strcmp(code, "BTC") == 0)
        return "XBT";
    if (strcmp(code, "DOGE") == 0)
        return "XDG";
    return code;
}

int kraken_rest_pair(const struct kraken_names *names, const char *symbol, char out[32])
{
    const struct kraken_pair *pair = kraken_pair_by_any(names, symbol);
    char base[16], quote[16];

    if (pair && *pair->rest_key) {
        snprintf(out, 32, "%s", pair->rest_key);
        return 0;
    }
    int err = split(symbol, base, quote);
    if (err)
        return err;
    const char *old_base = old_name(base), *old_quote = old_name(quote);
    bool is_x = is_one_of(old_base, with_x, COUNT(with_x));
    bool is_currency = is_one_of(old_quote, with_z, COUNT(with_z));
    /* A pair has the prefixes when both of its assets have one. Dogecoin's later pairs did not get
     * them, and the first pair of USDT got one by accident. */
    bool is_old =
        is_x && (strcmp(old_quote, "XBT") == 0 ||
                 (strcmp(old_base, "XDG") != 0 && (is_currency || strcmp(old_quote, "ETH") == 0)));
    if (strcmp(symbol, "USDT/USD") == 0 || strcmp(symbol, "USDT-USD") == 0) {
        snprintf(out, 32, "USDTZUSD");
        return 0;
    }
    snprintf(out, 32, "%s%.12s%s%.12s", is_old ? "X" : "", old_base,
             is_old ? (is_currency ? "Z" : "X") : "", old_quote);
    return 0;
}
