/* version.h - which build this is.
 *
 * The programs are linked with a version.o that the Makefile writes from git; whatever else links
 * the library (tests, generators) gets the archive's, so that a commit makes nothing of them stale.
 */
#ifndef TICKPIPE_COMMON_LEAF_VERSION_H
#define TICKPIPE_COMMON_LEAF_VERSION_H

extern const char tickpipe_version[];

#endif
