/* SPDX-License-Identifier: GPL-2.0-only */
/* A channel of notifications: a section `notify NAME { ... }`. */
#ifndef HOKM_CONF_NOTIFY_H
#define HOKM_CONF_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "decide/notify.h"

#define CONF_NOTIFY_MAX      8
#define CONF_NOTIFY_TEXT_MAX 256

enum conf_notify_type { NOTIFY_EMAIL, NOTIFY_SLACK, NOTIFY_SMS, NOTIFY_WEBHOOK, NOTIFY_SYSLOG };

struct conf_notify {
	char name[NOTIFY_SUBJECT_MAX];
	unsigned int type;                   /* enum conf_notify_type */
	char endpoint[CONF_NOTIFY_TEXT_MAX]; /* "": the default of the type */
	char from[CONF_NOTIFY_TEXT_MAX];
	char to[CONF_NOTIFY_TEXT_MAX]; /* addresses of email, separated by commas; a number of sms
					*/
	char user[CONF_NOTIFY_TEXT_MAX];
	char credential_file[CONF_NOTIFY_TEXT_MAX];
	char ca_file[CONF_NOTIFY_TEXT_MAX];
	bool starttls;
	uint64_t timeout_ns; /* of one attempt */
	struct notify_conf rules;
	char kinds[CONF_NOTIFY_TEXT_MAX]; /* as in the file; rules.kinds has them */
	char quiet_hours[12];             /* as in the file: 22:00-07:00 */
	/*
	 * The password, token, key or secret URL; "": none was found. Wiped by conf_free(). Never
	 * shown.
	 */
	char credential[CONF_NOTIFY_TEXT_MAX];
	char problem[128]; /* why there is no credential, "" when none is needed or it is there */
};

#endif
