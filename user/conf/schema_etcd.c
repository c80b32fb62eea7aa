/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys of section etcd. See schema.c. */
#include "conf/schema_etcd.h"
#include "conf/schema_rows.h"

const struct conf_key conf_etcd_keys[] = {
	KEY("etcd.endpoints", TEXT(0, CONF_ETCD_LIST_MAX - 1), FIELD(conf, etcd.list),
	    RELOAD | KEY_EMPTY, "", NULL,
	    "The members of the cluster, at most 8, with blanks between them. They are tried in "
	    "turn. https verifies the certificate.",
	    .example = "https://10.0.0.5:2379 https://10.0.0.6:2379"),
	KEY("etcd.prefix", TEXT(1, CONF_ETCD_PREFIX_MAX - 1), FIELD(conf, etcd.prefix), RELOAD,
	    "/hokm-xdp", NULL,
	    "The key of the record is this, the lowest VIP and the VRID. Pairs of nodes that use "
	    "the same cluster and have the same VIP and VRID need different prefixes."),
	KEY("etcd.credentials", PATH, FIELD(conf, etcd.credentials), RELOAD | KEY_EMPTY, "", NULL,
	    "The file that has user and password in lines ETCD_USER=... and ETCD_PASSWORD=... "
	    "Only its owner may have access to it. \"\": the environment has these variables, or "
	    "the cluster asks for none."),
	KEY("etcd.ca_file", PATH, FIELD(conf, etcd.ca_file), RELOAD,
	    "/etc/ssl/certs/ca-certificates.crt", NULL,
	    "The certificates of the authorities that verify the cluster's certificate."),
	KEY("etcd.cert_file", PATH, FIELD(conf, etcd.cert_file), RELOAD | KEY_EMPTY, "", NULL,
	    "The certificate of this node, for a cluster that asks for one, in PEM format."),
	KEY("etcd.key_file", PATH, FIELD(conf, etcd.key_file), RELOAD | KEY_EMPTY, "", NULL,
	    "Its private key. Only its owner may have access to the file."),
	KEY("etcd.timeout", DURATION(MS(20), S(10)), FIELD(conf, etcd.timeout_ns), RELOAD, "1s",
	    "100ms",
	    "So long the answer to a question is awaited, over all endpoints. At most "
	    "vrrp.advert; the default is never more."),
	KEY("etcd.hold", DURATION(S(1), MS(CONF_ETCD_HOLD_MAX_MS)), FIELD(conf, etcd.hold_ns),
	    RELOAD, "10s", "5s",
	    "So long the record is a node's after it was claimed. An owner that dies while the "
	    "other node is cut off from it is replaced after this time. At least 10 times "
	    "vrrp.advert. The same on both nodes."),
	END_OF_KEYS,
};
