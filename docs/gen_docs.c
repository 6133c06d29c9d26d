/* gen_docs: writes the pages that grow from the code. */
#include "common/pure/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 2 || strcmp(argv[1], "events") != 0) {
        fprintf(stderr, "usage: gen_docs events >docs/events.md\n");
        return EXIT_FAILURE;
    }
    wire_document(stdout);
    return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}
