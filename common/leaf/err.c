#include "common/leaf/err.h"

const char *err_str(int err)
{
    switch (err) {
#define ERR_AS_CASE(name, code, text) \
    case code:                        \
        return text;
        ERR_MAP(ERR_AS_CASE)
    case 0:
        return "ok";
    default:
        return "unknown error";
    }
}
