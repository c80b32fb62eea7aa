/* SPDX-License-Identifier: GPL-2.0-only */
/* VRRP adverts: received ones become events of the VRRP machine, and this node's own go out. */
#ifndef HOKM_DAEMON_ADVERTS_H
#define HOKM_DAEMON_ADVERTS_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "decide/senders.h"
#include "decide/vrrp_wire.h"

struct hokm_event;
struct node;
struct vrrp_sock;

struct adverts {
	struct node *node;
	struct vrrp_sock *sock;
	sd_event_source *io;
	uint64_t sent, failed, received;
	uint64_t discarded[VRRP_DISCARD_COUNT];
	uint64_t checksums[VRRP_CHECKSUM_COUNT]; /* of received, by what the checksum covers */
	uint64_t trailers;      /* of received, with more behind the standard part */
	struct senders senders; /* what was reported */
};

/* The socket. 0 or -errno. */
int adverts_open(struct adverts *a, struct node *n);
/* From now on adverts that arrive are noted. 0 or -errno. */
int adverts_start(struct adverts *a);
void adverts_stop(struct adverts *a);
void adverts_close(struct adverts *a);

/* The interface was made again, with this index. 0 or -errno. */
int adverts_set_interface(struct adverts *a, int ifindex);
/* The socket that must be in the group 224.0.0.18, or -1 with unicast. */
int adverts_group_fd(const struct adverts *a);

/* Notes the adverts that wait in the socket, at most INBOX_ADVERTS of them. */
void adverts_read(struct adverts *a);
/* Counts an advert of this sender that does not count, or is strange; reports it once. */
void adverts_discard(struct adverts *a, enum vrrp_discard why, struct in_addr source);
/* XDP dropped a frame: adverts among them are reported once for each sender. */
void adverts_dropped(struct adverts *a, const struct hokm_event *record);
/* One advert with this interval to all peers. 0 when it went out; unicast: to one at least. */
int adverts_send(struct adverts *a, uint8_t priority, uint64_t adver_ns);

#endif
