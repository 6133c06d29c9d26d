/* Law: an answer opens the WebSocket only when it carries our accept key; the head ends where it
 * says; a longer prefix of the same bytes never turns a verdict into another. */
#include "common/edge/net/ws_upgrade.h"
#include "common/leaf/err.h"

#include <stdlib.h>
#include <string.h>

static const char accept[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

static void must(bool claim)
{
    if (!claim)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ws_answer whole = { 0 }, part = { 0 };
    const char *text = (const char *)data;
    int err = ws_upgrade_parse(text, size, accept, &whole);

    must(err == 0 || err == ERR_AGAIN || err == ERR_PROTO);
    must(err != ERR_PROTO || whole.why);
    if (err == 0) {
        must(whole.status == 101 && whole.len >= 4 && whole.len <= size &&
             whole.len <= WS_ANSWER_MAX);
        must(memmem(text, whole.len, accept, sizeof(accept) - 1) != NULL);
        must(memcmp(text + whole.len - 4, "\r\n\r\n", 4) == 0);
    }
    for (size_t n = size > 64 ? size - 64 : 0; n < size; n++) {
        int before = ws_upgrade_parse(text, n, accept, &part);
        must(before == ERR_AGAIN || before == err);
        if (before == 0)
            must(part.len == whole.len);
    }
    return 0;
}
