/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The client's end of the control socket; client.h describes it.
 */
#include <errno.h>
#include <glob.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf/conf.h"
#include "ctl/client.h"
#include "base/ctl_proto.h"

static int use_path(const char *found, char *path, size_t size, FILE *err)
{
	if (snprintf(path, size, "%s", found) < (int)size)
		return CTL_EXIT_OK;
	fprintf(err, "hokm-xdp ctl: the path of the socket is too long: %s\n", found);
	return CTL_EXIT_USAGE;
}

static int find_by_node(const char *node, const char *dir, char *path, size_t size, FILE *err)
{
	char name[CONF_PATH_MAX];

	if (strchr(node, '/') || strlen(node) >= CONF_NAME_MAX) {
		fprintf(err,
			"hokm-xdp ctl: \"%s\" is not the name of a node; give a path with -s\n",
			node);
		return CTL_EXIT_USAGE;
	}
	snprintf(name, sizeof(name), "%s/%s.sock", dir, node);
	return use_path(name, path, size, err);
}

/*
 * The configuration may belong to several nodes: the path for `node`, whether or not this machine
 * has its addresses. In the configuration, %n stands for the name of the node.
 */
static int path_of_node(const struct conf *c, const char *node, char *path, size_t size, FILE *err)
{
	const char *mark = strstr(c->socket, "%n");
	char name[CONF_PATH_MAX + CONF_NAME_MAX];
	unsigned int i = 0;

	while (i < c->n_nodes && strcmp(c->nodes[i].name, node) != 0)
		i++;
	if (i == c->n_nodes) {
		fprintf(err, "hokm-xdp ctl: %s has no node \"%s\"; its nodes are", c->file, node);
		for (i = 0; i < c->n_nodes; i++)
			fprintf(err, " %s", c->nodes[i].name);
		fprintf(err, "\n");
		return CTL_EXIT_USAGE;
	}
	if (!mark)
		return use_path(c->socket, path, size, err);
	snprintf(name, sizeof(name), "%.*s%s%s", (int)(mark - c->socket), c->socket, node,
		 mark + 2);
	return use_path(name, path, size, err);
}

static int find_by_config(const char *file, const char *node, char *path, size_t size, FILE *err)
{
	struct conf *conf;
	int ret;

	ret = conf_load(file, !node, err, &conf);
	if (ret) {
		fprintf(err,
			"hokm-xdp ctl: the configuration %s cannot be used: %s; "
			"-s PATH works without it\n",
			file, strerror(-ret));
		return ret == -EACCES || ret == -EPERM ? CTL_EXIT_DENIED : CTL_EXIT_USAGE;
	}
	ret = node ? path_of_node(conf, node, path, size, err)
		   : use_path(conf->socket, path, size, err);
	conf_free(conf);
	return ret;
}

static int find_only(const char *dir, char *path, size_t size, FILE *err)
{
	char pattern[CONF_PATH_MAX];
	glob_t found;
	int ret;

	snprintf(pattern, sizeof(pattern), "%s/*.sock", dir);
	ret = glob(pattern, 0, NULL, &found);
	if (ret || !found.gl_pathc) {
		fprintf(err,
			"hokm-xdp ctl: there is no daemon's socket in %s: is hokm-xdp running? "
			"If the socket is elsewhere, give its path with -s, "
			"or the daemon's configuration with -c\n",
			dir);
		ret = CTL_EXIT_NO_DAEMON;
	} else if (found.gl_pathc > 1) {
		fprintf(err, "hokm-xdp ctl: several daemons run here; choose one with -s or -n:\n");
		for (size_t i = 0; i < found.gl_pathc; i++)
			fprintf(err, "  %s\n", found.gl_pathv[i]);
		ret = CTL_EXIT_USAGE;
	} else {
		ret = use_path(found.gl_pathv[0], path, size, err);
	}
	globfree(&found);
	return ret;
}

int ctl_socket_find(const json_t *options, const char *dir, char *path, size_t size, FILE *err)
{
	const char *named = json_string_value(json_object_get(options, "socket"));
	const char *config = json_string_value(json_object_get(options, "config"));
	const char *node = json_string_value(json_object_get(options, "node"));

	if (named && (config || node)) {
		fprintf(err, "hokm-xdp ctl: --config and --node cannot be used with --socket\n");
		return CTL_EXIT_USAGE;
	}
	if (named)
		return use_path(named, path, size, err);
	if (config)
		return find_by_config(config, node, path, size, err);
	if (node)
		return find_by_node(node, dir, path, size, err);
	return find_only(dir, path, size, err);
}

static int set_timeout(int fd, time_t seconds)
{
	struct timeval tv = {.tv_sec = seconds};

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)))
		return -errno;
	return 0;
}

static int connect_to(struct ctl_conn *c, const char *path, int flags)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int err;

	c->fd = -1;
	frame_reader_init(&c->in, CTL_REPLY_MAX);
	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (c->fd < 0)
		return -errno;
	err = set_timeout(c->fd, CTL_CLIENT_TIMEOUT_S);
	/* The queue of the listening socket is full: its process accepts nothing. */
	if (!err && connect(c->fd, (const struct sockaddr *)&sa, sizeof(sa)))
		err = errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (err)
		ctl_conn_close(c);
	return err;
}

int ctl_conn_open(struct ctl_conn *c, const char *path)
{
	return connect_to(c, path, 0);
}

int ctl_conn_open_now(struct ctl_conn *c, const char *path)
{
	return connect_to(c, path, SOCK_NONBLOCK);
}

void ctl_conn_close(struct ctl_conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	frame_reader_free(&c->in);
}

static int receive(struct ctl_conn *c, json_t **msg)
{
	char error[256];
	int err = frame_reader_fill(&c->in, c->fd);

	if (err == -EAGAIN)
		return -ETIMEDOUT;
	if (err < 0)
		return err;
	return frame_reader_take(&c->in, msg, error, sizeof(error));
}

int ctl_conn_ask(struct ctl_conn *c, const char *verb, json_t *args, json_t **reply)
{
	json_t *msg = json_pack("{s:s, s:O}", "verb", verb, "args", args);
	struct frame_writer w = {0};
	int err = msg ? frame_writer_add(&w, msg, CTL_REQUEST_MAX) : -ENOMEM;

	*reply = NULL;
	json_decref(msg);
	if (!err) {
		err = frame_writer_flush(&w, c->fd);
		/*
		 * A daemon that denies access sends its error reply and closes the connection
		 * before it reads the request: the reply is still there to be read.
		 */
		if (err == -EPIPE || err == -ECONNRESET)
			err = 0;
		if (err == -EAGAIN)
			err = -ETIMEDOUT;
	}
	frame_writer_free(&w);
	return err ? err : receive(c, reply);
}

int ctl_conn_more(struct ctl_conn *c, json_t **msg)
{
	int err = set_timeout(c->fd, CTL_CLIENT_MORE_S);

	*msg = NULL;
	return err ? err : receive(c, msg);
}

int ctl_conn_next(struct ctl_conn *c, json_t **msg)
{
	int err = set_timeout(c->fd, 0);

	*msg = NULL;
	return err ? err : receive(c, msg);
}
