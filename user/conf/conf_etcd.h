/* SPDX-License-Identifier: GPL-2.0-only */
/* The settings of the arbiter `etcd` (section `etcd`). */
#ifndef HOKM_CONF_ETCD_H
#define HOKM_CONF_ETCD_H

#include <stdbool.h>
#include <stdint.h>

#define CONF_ETCD_ENDPOINTS_MAX 8
#define CONF_ETCD_URL_MAX       128
#define CONF_ETCD_LIST_MAX      640
#define CONF_ETCD_PREFIX_MAX    128
#define CONF_ETCD_PATH_MAX      256
#define CONF_ETCD_HOLD_MAX_MS   600000
#define CONF_ETCD_KEY_MAX       (CONF_ETCD_PREFIX_MAX + 32)

struct conf_etcd {
	char list[CONF_ETCD_LIST_MAX]; /* the endpoints as in the file */
	unsigned int n_endpoints;
	char endpoint[CONF_ETCD_ENDPOINTS_MAX][CONF_ETCD_URL_MAX]; /* without a slash at the end */
	char prefix[CONF_ETCD_PREFIX_MAX];
	char credentials[CONF_ETCD_PATH_MAX]; /* "": environment */
	char ca_file[CONF_ETCD_PATH_MAX];
	char cert_file[CONF_ETCD_PATH_MAX], key_file[CONF_ETCD_PATH_MAX]; /* "": none */
	uint64_t timeout_ns;                                              /* of a question */
	bool timeout_default;
	uint64_t hold_ns; /* of a claim */
};

#endif
