/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp setup --remove`: what setup wrote, and what the daemon left. A file that a person
 * edited, or that setup never wrote, stays unless the operator says at the terminal that it goes:
 * --yes is no answer to that.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "setup/act.h"
#include "setup/replace.h"
#include "setup/setup.h"

static const char *const units[] = {
	"hokm-xdp-drill.timer", "hokm-xdp-drill.service", "hokm-xdp.service",
	"hokm-xdp-linger.service", "hokm-xdp-witness.service"};

/* So each file begins that the daemon and its helpers keep on disk. */
#define ORDERS_HEAD     "hokm-xdp orders "
#define DRILLS_HEAD     "{\"time\":\""
#define QUEUE_HEAD      "hkxq"
#define DELIVERIES_HEAD "{\"time\":"
#define STATUS_HEAD     "{\"node\":\""
#define BOOK_HEAD       "{\n \"stopped\":"

static int remove_file(const struct setup *s, const char *path)
{
	int err;

	if (access(path, F_OK))
		return 0;
	printf("%s %s\n", s->dry ? "would remove" : "removes", path);
	if (s->dry || !unlink(path))
		return 0;
	err = -errno;
	fprintf(stderr, "hokm-xdp setup: could not remove %s: %s\n", path, strerror(-err));
	return err;
}

/* A file is there, and it is not (only) the work of setup, or it cannot be read. */
static bool is_work(const char *path)
{
	return setup_foreign(path, setup_unedited);
}

static bool stays(const struct setup *s, const char *path)
{
	char question[SETUP_OLD_NAME + 64];

	if (!is_work(path))
		return false;
	snprintf(question, sizeof(question), "%s was written or edited by hand. Remove it?", path);
	if (!s->yes && !s->dry && setup_ask(false, question))
		return false;
	printf("keeps %s: it was written or edited by hand\n", path);
	return true;
}

static int remove_made(const struct setup *s, const char *path)
{
	return stays(s, path) ? 0 : remove_file(s, path);
}

/* The copies of former files. A person edited them. */
static int remove_old(const struct setup *s, const char *path)
{
	char name[SETUP_OLD_NAME];
	int err = 0;

	for (unsigned int i = 0; i < SETUP_OLD_MAX && !err; i++) {
		setup_old_name(path, i, name);
		err = remove_made(s, name);
	}
	return err;
}

static int remove_dropin(const struct setup *s, const char *unit)
{
	char path[128], *slash;
	int err;

	snprintf(path, sizeof(path), "/etc/systemd/system/%s.d/hokm-xdp-setup.conf", unit);
	err = remove_made(s, path);
	if (!err)
		err = remove_old(s, path);
	slash = strrchr(path, '/');
	*slash = '\0';
	/* Drop-ins of others stay, and their folder. */
	if (!s->dry)
		(void)rmdir(path);
	return err;
}

static int stop_unit(const struct setup *s, const char *unit)
{
	char *text = NULL;
	int err;

	if (setup_run(NULL, &text, "systemctl -q cat %s", unit)) /* it is not installed */
		return 0;
	setup_forget(text);
	printf("%s %s\n", s->dry ? "would stop and disable" : "stops and disables", unit);
	err = s->dry ? 0 : setup_run(NULL, NULL, "systemctl -q disable --now %s", unit);
	return err ? err : remove_dropin(s, unit);
}

static int remove_units(const struct setup *s)
{
	int err = 0;

	if (!s->systemd)
		return 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && !err; i++)
		err = stop_unit(s, units[i]);
	if (!err && !s->dry)
		err = setup_run(NULL, NULL, "systemctl daemon-reload");
	if (err)
		fprintf(stderr, "hokm-xdp setup: systemctl failed\n");
	return err;
}

/* A file that this program wrote is known by how it begins. Any other one stays. */
static int remove_own(const struct setup *s, const char *path, const char *head)
{
	char *text;
	bool own = !setup_read(path, &text) && !strncmp(text, head, strlen(head));

	setup_forget(text);
	return own ? remove_file(s, path) : 0;
}

/* What the notifier keeps. Its folder stays when something else is in it. */
static int remove_notify(const struct setup *s, const struct conf *c)
{
	static const struct {
		const char *name, *head;
	} files[] = {{"queue", QUEUE_HEAD},
		     {"history", DELIVERIES_HEAD},
		     {"history.1", DELIVERIES_HEAD},
		     {"status", STATUS_HEAD}};
	char folder[CONF_PATH_MAX + CONF_NAME_MAX + 8], path[sizeof(folder) + 16];
	int err = 0;

	conf_notify_folder(c, folder, sizeof(folder));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !err; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i].name);
		err = remove_own(s, path, files[i].head);
	}
	if (!s->dry)
		(void)rmdir(folder);
	return err;
}

/*
 * The orders of the operator, the history of the drills, what the notifier has to send, and what
 * DNS failover did: a later setup would take them over.
 */
static int remove_state(const struct setup *s, const struct conf *c)
{
	char drills[CONF_PATH_MAX];
	int err = remove_own(s, c->state_file, ORDERS_HEAD);

	if (!err && !conf_drills_file(c, drills))
		err = remove_own(s, drills, DRILLS_HEAD);
	if (!err)
		err = remove_notify(s, c);
	return err ? err : remove_own(s, c->dns.state_file, BOOK_HEAD);
}

/*
 * `own`: the witness of the file, which this machine is. Else there is no file, or none that can be
 * read, and it goes by the pins: what each witness left that does not run.
 */
static int remove_witness(const struct setup *s, bool own)
{
	char *said = NULL;
	int err = 0;

	printf("%s what %s left in the kernel\n", s->dry ? "would remove" : "removes",
	       own ? "the witness" : "any witness that does not run");
	if (!s->dry && own)
		err = setup_run(NULL, &said, "/proc/self/exe witness --remove -c '%s'", s->config);
	else if (!s->dry)
		err = setup_run(NULL, &said, "/proc/self/exe witness --remove-all");
	if (err)
		fprintf(stderr, "hokm-xdp setup: what a witness left in the kernel stays\n");
	setup_forget(said);
	return err;
}

/*
 * The file, when this machine may be a node of it; *c is NULL when it is none. What a witness left
 * is removed. 0 or -errno, said.
 */
static int load_node(const struct setup *s, struct conf **c)
{
	char interface[IF_NAMESIZE];
	unsigned int at;
	int removed, err = conf_load(s->config, false, stderr, c);
	bool witness = !err && !conf_find_witness(*c, NULL, &at, interface);

	conf_free(*c);
	*c = NULL;
	removed = err || witness ? remove_witness(s, witness) : 0;
	if (removed)
		return removed;
	if (!err && !witness)
		err = conf_load(s->config, true, stderr, c);
	if (err == -EADDRNOTAVAIL) {
		printf("this machine is no member of %s\n", s->config);
		return 0;
	}
	if (err)
		fprintf(stderr,
			"hokm-xdp setup: by %s nobody knows what is left in the kernel: mend it, "
			"or remove it by hand\n",
			s->config);
	return err;
}

/* Programs, maps, sysctls and routes, which a stopped daemon leaves for a while. */
static int remove_path(const struct setup *s)
{
	char *said = NULL;
	struct conf *c = NULL;
	int err = access(s->config, F_OK) ? remove_witness(s, false) : load_node(s, &c);

	if (err || !c)
		return err;
	printf("%s what the daemon left in the kernel\n", s->dry ? "would remove" : "removes");
	err = s->dry ? 0
		     : setup_run(NULL, &said, "/proc/self/exe cleanup --terminate -c '%s'",
				 s->config);
	if (!err)
		err = remove_state(s, c);
	setup_forget(said);
	conf_free(c);
	return err;
}

static bool is_usual(const struct setup *s)
{
	return !strcmp(s->config, SETUP_CONFIG);
}

/* Another configuration in the usual folder has the file of the usual one beside it. */
static bool is_others(const struct setup *s, const char *path)
{
	struct stat a, b;

	return !is_usual(s) && !stat(path, &a) && !stat(SETUP_RULES, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* There is one table on a machine: it is that of the usual configuration, if that has rules. */
static bool has_table(const struct setup *s)
{
	return is_usual(s) || (!access(s->rules, F_OK) && !setup_foreign(s->rules, setup_ruled) &&
			       access(SETUP_RULES, F_OK));
}

static int remove_table(const struct setup *s)
{
	char *text = NULL;
	int err = 0;

	if (!setup_run(NULL, &text, "nft list tables inet") && text &&
	    strstr(text, "table inet " SETUP_TABLE "\n")) {
		printf("%s table inet " SETUP_TABLE " of nftables\n",
		       s->dry ? "would remove" : "removes");
		err = s->dry ? 0 : setup_run(NULL, NULL, "nft delete table inet " SETUP_TABLE);
	}
	setup_forget(text);
	return err;
}

/* The table and the file that makes it stay together. */
static int remove_filter(const struct setup *s)
{
	bool keep;
	int err = 0;

	if (is_others(s, s->rules)) {
		printf("keeps %s: it is that of %s\n", s->rules, SETUP_CONFIG);
		return 0;
	}
	keep = stays(s, s->rules);
	if (has_table(s) && !keep)
		err = remove_table(s);
	if (!err && !keep)
		err = remove_file(s, s->rules);
	return err ? err : remove_old(s, s->rules);
}

static int remove_conf(const struct setup *s)
{
	int err = remove_made(s, s->config);

	if (!err)
		err = remove_old(s, s->config);
	return err;
}

int setup_remove(struct setup *s)
{
	int err;

	if (!s->dry &&
	    !setup_ask(s->yes,
		       "Stop hokm-xdp here and remove its configuration, with the secret?")) {
		fprintf(stderr, "hokm-xdp setup: nothing was removed (--yes does it)\n");
		return SETUP_NOT_DONE;
	}
	err = remove_units(s);
	if (!err)
		err = remove_path(s);
	if (!err)
		err = remove_filter(s);
	if (!err)
		err = remove_conf(s);
	if (err)
		return SETUP_NOT_DONE;
	printf("The program and its unit are the package's: apt purge hokm-xdp removes them. "
	       "The user hokm-xdp stays: userdel hokm-xdp removes it.\n");
	return SETUP_DONE;
}
