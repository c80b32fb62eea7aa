/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames of the control socket. One frame is one JSON object with its length before it:
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +---------------------------------------------------------------+
 *   |            length of the JSON in bytes, big-endian            |
 *   +---------------------------------------------------------------+
 *   |  JSON, UTF-8, no terminating zero ...
 *
 * A struct frame_reader collects the bytes of one frame. It never reads beyond the end of this
 * frame: the next frame stays in the kernel until the reader is used again. Its buffer grows with
 * the bytes that have arrived, never with the length that the sender claims.
 *
 * A struct frame_writer is a queue of bytes of whole frames that wait to be sent.
 *
 * Both structs belong to their caller, who frees their buffers with frame_reader_free() and
 * frame_writer_free(). One reader or writer is used by one thread at a time.
 */
#ifndef HOKM_CTL_FRAME_H
#define HOKM_CTL_FRAME_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Bytes of the length in front of the JSON. */
#define FRAME_HEAD 4

struct frame_reader {
	size_t max;  /* longest JSON accepted, in bytes */
	size_t have; /* bytes of this frame that have arrived, length included */
	unsigned char head[FRAME_HEAD];
	char *body; /* owned */
	size_t cap; /* bytes allocated for body */
};

/* Prepares a reader that accepts frames with at most `max` bytes of JSON. Allocates nothing. */
void frame_reader_init(struct frame_reader *r, size_t max);

/* Frees the buffer. The reader is then ready for a new frame. */
void frame_reader_free(struct frame_reader *r);

/* Returns true when a part of a frame has arrived. */
bool frame_reader_begun(const struct frame_reader *r);

/*
 * Reads what `fd` has of the current frame. Returns 1 when the frame is complete: then
 * frame_reader_take() returns its content. Otherwise the result is an error:
 *   -EAGAIN    the frame is not complete yet, and fd has no more bytes now
 *   -ENODATA   the sender closed the connection between two frames
 *   -EPIPE     the sender closed the connection inside a frame
 *   -EMSGSIZE  the JSON is longer than the reader's limit
 *   -EBADMSG   the length is 0
 *   -ENOMEM, or another -errno of recv()
 */
int frame_reader_fill(struct frame_reader *r, int fd);

/*
 * Parses the complete frame and stores its JSON object in *out; the caller owns that reference. The
 * reader is then ready for the next frame. Returns 0, or -EBADMSG with the cause in `error` when
 * the frame does not contain a JSON object.
 */
int frame_reader_take(struct frame_reader *r, json_t **out, char *error, size_t error_size);

struct frame_writer {
	char *buf; /* owned */
	size_t start, end, cap;
};

/* Discards what waits and frees the buffer. The writer can be used again. */
void frame_writer_free(struct frame_writer *w);

/* Returns how many bytes wait to be sent. */
size_t frame_writer_pending(const struct frame_writer *w);

/*
 * Queues `msg` as one frame. Returns 0, -EMSGSIZE when its JSON is longer than `max` bytes, -EINVAL
 * when it cannot be written as JSON, or -ENOMEM. On an error nothing is queued.
 */
int frame_writer_add(struct frame_writer *w, const json_t *msg, size_t max);

/* Queues one frame whose JSON is text already: `n` parts, one after the other. Errors as above. */
int frame_writer_add_text(struct frame_writer *w, const struct iovec *parts, size_t n, size_t max);

/* Queues a copy of all bytes that wait in `from`. Returns 0 or -ENOMEM. */
int frame_writer_copy(struct frame_writer *w, const struct frame_writer *from);

/*
 * Sends as many of the waiting bytes as the socket accepts, without SIGPIPE. Returns 0 when nothing
 * waits any more, -EAGAIN when some bytes remain, or another -errno of send().
 */
int frame_writer_flush(struct frame_writer *w, int fd);

/*
 * Makes a JSON string from text of any origin. When the text is not valid UTF-8, each byte above
 * 127 becomes '?'. Returns a new reference, or NULL when there is no memory.
 */
json_t *frame_text(const char *text);

#endif
