/* print_metadata.h - what --print-request knows of instruments: the codec asks as it does live, and
 * is answered from a file.
 *
 * The file holds one body as the venue sends it, or a recording: lines of JSON with "url" and
 * "data" (the form of captures), each of which answers the requests whose path is the same and
 * whose parameters include those of the url. */
#ifndef TICKPIPE_TRADING_ENGINE_PRINT_METADATA_H
#define TICKPIPE_TRADING_ENGINE_PRINT_METADATA_H

#include "trading_engine/engine.h"

enum { PRINT_METADATA_ANSWERS_MAX = 32 };

struct print_question {
    uint64_t tag;
    char path[2048];
};

struct print_metadata {
    struct print_question asked[PRINT_METADATA_ANSWERS_MAX];
    unsigned asked_count, answered_count;
    struct wire_instrument defined[VENUE_SYMBOLS_MAX];
    unsigned defined_count;
};

/* print_metadata_wants adds name to those that the codec is asked to list, if it is none of them.
 * "": none. 0, or ERR_RANGE with a sentence. */
int print_metadata_wants(struct engine_app *app, const char *name, FILE *errors);

/* print_metadata_asked keeps a public request that the codec made; others have no answer here. */
void print_metadata_asked(struct print_metadata *m, const struct venue_request *request);

/* print_metadata_defined keeps a definition that the codec announced. */
void print_metadata_defined(struct print_metadata *m, const struct wire_instrument *definition);

/* print_metadata_read starts the codec and answers what it asks for from --instruments, or from
 * instruments/VENUE.jsonl beside the configuration where that is there. Each call has a nonce of
 * its own, from clock's upward. 0; ERR_SYS, ERR_PROTO with a sentence. */
int print_metadata_read(struct print_metadata *m, struct engine_app *app, void *codec,
                        const struct venue_clock *clock, const struct venue_out *sink,
                        FILE *errors);

/* print_metadata_resolve fills symbol, instrument and kind of a command: by the canonical name
 * where it has no symbol. 0, or ERR_RANGE with a sentence. */
int print_metadata_resolve(const struct print_metadata *m, const struct engine_app *app,
                           const char *name, struct venue_command *c, FILE *errors);

#endif
