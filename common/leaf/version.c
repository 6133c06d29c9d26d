#include "common/leaf/version.h"

const char tickpipe_version[] = "development";
