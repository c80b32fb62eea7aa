/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames of the control socket: a 4-byte big-endian length, then that many bytes of JSON.
 *
 *   0                   1                   2                   3
 *   +-------------------------------+-------------------------------+
 *   |            length of the JSON in bytes, big-endian            |
 *   +-------------------------------+-------------------------------+
 *   |  JSON, UTF-8, no terminating zero ...
 *
 * The reader takes bytes as they come and never one beyond the frame it is at, so that the next
 * frame waits in the kernel. Its buffer grows with what has arrived, never with what the length
 * claims. The writer is a queue of bytes of whole frames.
 */
#ifndef HOKM_CTL_FRAME_H
#define HOKM_CTL_FRAME_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define FRAME_HEAD 4

struct frame_reader {
	size_t max;  /* longest JSON taken */
	size_t have; /* bytes of this frame, head included */
	unsigned char head[FRAME_HEAD];
	char *body;
	size_t cap;
};

void frame_reader_init(struct frame_reader *r, size_t max);
void frame_reader_free(struct frame_reader *r);

/* True when a part of a frame has arrived. */
bool frame_reader_begun(const struct frame_reader *r);

/*
 * Reads from fd. 1: a frame is whole, take it with frame_reader_take(). -EAGAIN: more must come.
 * -ENODATA: the other end closed between frames; -EPIPE: inside one. -EMSGSIZE: longer than max;
 * -EBADMSG: length 0; else -errno.
 */
int frame_reader_fill(struct frame_reader *r, int fd);

/*
 * The JSON object of the whole frame as a new reference in *out; the reader is then ready for the
 * next one. -EBADMSG when it is no JSON object, with the cause in error.
 */
int frame_reader_take(struct frame_reader *r, json_t **out, char *error, size_t error_size);

struct frame_writer {
	char *buf;
	size_t start, end, cap;
};

void frame_writer_free(struct frame_writer *w);
size_t frame_writer_pending(const struct frame_writer *w);

/* Queues one frame. -EMSGSIZE when its JSON is longer than max; nothing is queued on error. */
int frame_writer_add(struct frame_writer *w, const json_t *msg, size_t max);

/* The same of JSON that is text already, in parts that follow one another. */
int frame_writer_add_text(struct frame_writer *w, const struct iovec *parts, size_t n, size_t max);

/* Queues what waits in `from`, which stays as it is. */
int frame_writer_copy(struct frame_writer *w, const struct frame_writer *from);

/* Sends what it can, never with SIGPIPE. 0: all is out; -EAGAIN: some is left; else -errno. */
int frame_writer_flush(struct frame_writer *w, int fd);

/*
 * A JSON string from text of any origin: what is not UTF-8 loses its bytes above 127 to '?'. New
 * reference; NULL without memory.
 */
json_t *frame_text(const char *text);

#endif
