/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of the section `notify`; see schema.c for what a row is. */
#include "conf/conf.h"
#include "conf/schema_notify.h"

#define SECONDS(n) ((n)*NS_PER_S)
#define FIELD(field_)                                                                              \
	{                                                                                          \
		offsetof(struct conf_notify, field_), sizeof(((struct conf_notify *)NULL)->field_) \
	}

/* clang-format off */
#define KEY(path_, type_, field_, flags_, default_, meaning_, ...)                          \
	{.path = "notify." path_, .type = {type_}, .place = FIELD(field_), .flags = flags_, \
	 .preset = {default_, NULL}, .meaning = meaning_, ##__VA_ARGS__}
/* clang-format on */

#define TEXT                      .kind = CONF_TEXT, .greatest = CONF_NOTIFY_TEXT_MAX - 1
#define SHORT_TEXT                .kind = CONF_TEXT, .greatest = 11
#define PATH                      .kind = CONF_PATH
#define BOOL                      .kind = CONF_BOOL
#define WORD(words_)              .kind = CONF_WORD, .words = (words_)
#define NUMBER(least_, greatest_) .kind = CONF_NUMBER, .least = (least_), .greatest = (greatest_)
#define DURATION(least_, greatest_) \
	.kind = CONF_DURATION, .least = (least_), .greatest = (greatest_)

static const struct conf_word types[] = {
	{"email", NOTIFY_EMAIL},     {"slack", NOTIFY_SLACK},   {"sms", NOTIFY_SMS},
	{"webhook", NOTIFY_WEBHOOK}, {"syslog", NOTIFY_SYSLOG}, {NULL, 0}};
static const struct conf_word severities[] = {
	{"info", NOTIFY_INFO},
	{"warning", NOTIFY_WARNING},
	{"critical", NOTIFY_CRITICAL},
	{NULL, 0}};

const char *const conf_notify_example[] = {
	"# Example: notify mail { type = email endpoint = \"smtp://mail.example.org:587\"",
	"# Example: from = \"hokm@example.org\" to = \"ops@example.org\" user = \"hokm\"",
	"# Example: credential_file = \"/etc/hokm-xdp/mail.password\" starttls = yes",
	"# Example: ca_file = \"\" severity = warning kinds = \"\" group = 5s rate = 30",
	"# Example: repeat = 30m recovery = yes quiet_hours = \"\" timeout = 20s }",
	NULL,
};

const struct conf_key conf_notify_keys[] = {
	KEY("type", WORD(types), type, KEY_RELOAD, "syslog",
	    "How the message is sent: email by SMTP, slack to an incoming webhook, sms by Twilio, "
	    "webhook by an HTTP POST of JSON, syslog to the log of this machine."),
	KEY("endpoint", TEXT, endpoint, KEY_RELOAD, "",
	    "Where to send it. email: smtp://HOST:PORT or, with TLS from the beginning, "
	    "smtps://HOST:PORT. webhook: the URL. "
	    "sms: the base of the API, by default https://api.twilio.com. "
	    "syslog: a socket, by default /dev/log. slack has its URL as the credential."),
	KEY("from", TEXT, from, KEY_RELOAD, "",
	    "The sender: an address of email, a number of sms."),
	KEY("to", TEXT, to, KEY_RELOAD, "",
	    "The recipients of email, separated by commas, or the number that gets the sms."),
	KEY("user", TEXT, user, KEY_RELOAD, "",
	    "The login of email; the account SID of sms. \"\" for email without a login."),
	KEY("credential_file", PATH, credential_file, KEY_RELOAD | KEY_EMPTY, "",
	    "The file with the password of email, the URL of slack, the auth token of sms, or the "
	    "key that signs the messages of webhook. Other users must have no access to it. "
	    "Without it the file notify-NAME in $CREDENTIALS_DIRECTORY and the variable "
	    "HOKM_NOTIFY_NAME of the environment are looked at, in this order."),
	KEY("ca_file", PATH, ca_file, KEY_RELOAD | KEY_EMPTY, "",
	    "The certificates of the authorities that are trusted, as PEM. \"\" for those of the "
	    "system. The user of the checks must be able to read it."),
	KEY("starttls", BOOL, starttls, KEY_RELOAD, "yes",
	    "smtp:// without TLS is refused unless this is no. A login is never sent without TLS."),
	KEY("severity", WORD(severities), rules.least, KEY_RELOAD, "warning",
	    "Events of this severity and of more severe ones are sent."),
	KEY("kinds", TEXT, kinds, KEY_RELOAD | KEY_BY_RULE, "",
	    "The kinds of events that are sent, separated by commas: state, service, panic, "
	    "passive, answers, peer, replica, steering, takeover, link, conflict, kernel, config, "
	    "operator, dns, drill, test. \"\" for all."),
	KEY("group", DURATION(0, SECONDS(600)), rules.group_ns, KEY_RELOAD, "5s",
	    "How long an event waits for others, so that a burst becomes one message."),
	KEY("rate", NUMBER(1, 3600), rules.per_hour, KEY_RELOAD, "30",
	    "The greatest number of messages in an hour. What is above it waits for the next "
	    "message."),
	KEY("repeat", DURATION(0, SECONDS(86400)), rules.repeat_ns, KEY_RELOAD, "30m",
	    "A critical problem that goes on is sent again after this time. 0s for never."),
	KEY("recovery", BOOL, rules.recovery, KEY_RELOAD, "yes",
	    "Send a message when a problem is over."),
	KEY("quiet_hours", SHORT_TEXT, quiet_hours, KEY_RELOAD | KEY_BY_RULE, "",
	    "Local times between which only critical events are sent, such as \"22:00-07:00\". "
	    "Others wait for the end. \"\" for none."),
	KEY("timeout", DURATION(SECONDS(1), SECONDS(120)), timeout_ns, KEY_RELOAD, "20s",
	    "The longest time of one attempt to send."),
	{.path = NULL},
};
