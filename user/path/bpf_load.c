/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loading the BPF object: it is opened from the bytes in this binary, its maps get their sizes from
 * the configuration or are replaced by the pinned ones, and its programs are loaded.
 *
 * Messages of libbpf go to the debug log. What the operator must know is logged here, with the end
 * of the log of the verifier when it rejected a program.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "path/bpf_elf.h"
#include "path/bpf_internal.h"
#include "base/limits.h"
#include "base/log.h"

#define KERNEL_BTF         "/sys/kernel/btf/vmlinux"
#define VERIFIER_LOG_SIZE  (1024u * 1024)
#define VERIFIER_LOG_LINES 20
#define HALF_OPEN_SETS_MIN 1024
#define REPLICA_MOST       4194304

const char *const bpf_map_names[MAP_COUNT] = {
	[MAP_CFG] = "cfg",
	[MAP_OWN] = "own",
	[MAP_GRANTS] = "grants",
	[MAP_SERVICES] = "services",
	[MAP_SUSPECTS] = "suspects",
	[MAP_PEERS] = "peers",
	[MAP_PATH_PEERS] = "path_peers",
	[MAP_PEER_MACS] = "peer_macs",
	[MAP_CONNS] = "conns",
	[MAP_CONN_BITS] = "conn_bits",
	[MAP_HALF_OPEN] = "half_open",
	[MAP_WAITS] = "waits",
	[MAP_REPLICA] = "replica",
	[MAP_CHANGES] = "changes",
	[MAP_LATENCY] = "latency",
	[MAP_COUNTERS] = "counters",
	[MAP_EVENTS] = "events",
	[MAP_EVENT_LIMITS] = "event_limits",
	[MAP_META] = "meta",
	[MAP_KEYS] = "keys",
	[MAP_FENCES] = "fences",
};

__attribute__((format(printf, 2, 0))) static int print(enum libbpf_print_level level,
						       const char *fmt, va_list args)
{
	char line[1024];
	size_t len;

	(void)level;
	if (log_get_level() < LOG_LVL_DEBUG || vsnprintf(line, sizeof(line), fmt, args) < 0)
		return 0;
	len = strlen(line);
	while (len && line[len - 1] == '\n')
		line[--len] = '\0';
	log_debug("%s", line);
	return 0;
}

static const char *const program_names[] = {PROG_INGRESS, PROG_EGRESS, PROG_FENCE, PROG_WITNESS};
#define N_PROGRAMS (sizeof(program_names) / sizeof(program_names[0]))

/* Checks that the object has every map and program, and switches pinning by libbpf off. */
static int check_object(struct bpf_object *obj)
{
	for (int i = 0; i < MAP_COUNT; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(obj, bpf_map_names[i]);
		int err = map ? bpf_map__set_pin_path(map, NULL) : -ENOENT; /* pinning is ours */

		if (err) {
			log_error("the BPF object in this binary has no map %s: build it again",
				  bpf_map_names[i]);
			return err;
		}
	}
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		if (bpf_object__find_program_by_name(obj, program_names[i]))
			continue;
		log_error("the BPF object in this binary has no program %s: build it again",
			  program_names[i]);
		return -ENOENT;
	}
	return 0;
}

int load_open(struct bpf_object **out, uint64_t *hash)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "hokm");
	const void *elf;
	size_t size;
	int err;

	*out = NULL;
	libbpf_set_print(print);
	elf = bpf_elf_bytes(&size);
	*out = bpf_object__open_mem(elf, size, &opts);
	if (!*out) {
		err = -errno;
		log_error("could not open the BPF object: %s", strerror(-err));
		return err;
	}
	err = check_object(*out);
	if (!err) {
		err = layout_hash(*out, hash);
		if (err)
			log_error("could not read the layout of the BPF maps: %s", strerror(-err));
	}
	if (err) {
		bpf_object__close(*out);
		*out = NULL;
	}
	return err;
}

/* ---- maps ---- */

/*
 * Returns how many sets map half_open has: one entry for eight connections, rounded up to a power
 * of two, because the index is masked. A handshake needs its entry for one round trip only, and a
 * SYN is cheap when the table fits the caches.
 */
static uint32_t half_open_sets(const struct conf *c)
{
	uint32_t want = c->max_connections / 8 / HOKM_HALF_OPEN_WAYS;
	uint32_t sets = HALF_OPEN_SETS_MIN;

	while (sets < want)
		sets *= 2;
	return sets;
}

/* Map replica has room for as many connections of each peer as this node may have. */
static uint32_t replica_entries(const struct conf *c)
{
	uint64_t want = (uint64_t)c->max_connections * (c->n_nodes > 1 ? c->n_nodes - 1 : 1);

	return want < REPLICA_MOST ? (uint32_t)want : REPLICA_MOST;
}

static uint32_t wanted_entries(const struct conf *c, enum bpf_map_id id)
{
	switch (id) {
	case MAP_CONNS:
		return c->max_connections;
	case MAP_REPLICA:
		return replica_entries(c);
	case MAP_HALF_OPEN:
		return half_open_sets(c);
	default:
		return 0; /* the size in bpf/maps.h */
	}
}

static int size_map(struct bpf_map *map, const struct conf *c, enum bpf_map_id id)
{
	uint32_t entries = wanted_entries(c, id);

	if (id == MAP_EVENTS) {
		int cpus = libbpf_num_possible_cpus();

		if (cpus < 0)
			return cpus;
		entries = (uint32_t)cpus;
	}
	return entries ? bpf_map__set_max_entries(map, entries) : 0;
}

/* Uses the pinned map in place of a new one. It keeps its size, also when the configuration
 * changed. */
static int reuse_map(struct bpf_map *map, int fd, const struct conf *c, enum bpf_map_id id)
{
	uint32_t want = wanted_entries(c, id);
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	int err = bpf_obj_get_info_by_fd(fd, &info, &len);

	if (err)
		return err;
	if (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
	    info.value_size != bpf_map__value_size(map) ||
	    info.map_flags != bpf_map__map_flags(map) ||
	    (!want && info.max_entries != bpf_map__max_entries(map))) {
		log_error("the pinned map %s has another type or size than this version needs: "
			  "run `hokm-xdp cleanup` and start again",
			  bpf_map_names[id]);
		return -EPROTO;
	}
	if (want && info.max_entries != want)
		log_warn(
			"map %s keeps its %u entries, although the configuration asks for %u: "
			"to change the size, run `hokm-xdp cleanup` while this node has no players",
			bpf_map_names[id], info.max_entries, want);
	return bpf_map__reuse_fd(map, fd);
}

static int prepare_maps(struct bpf_object *obj, const struct conf *c, const struct pins *p,
			bool adopt)
{
	for (int i = 0; i < MAP_COUNT; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(obj, bpf_map_names[i]);
		int err = size_map(map, c, (enum bpf_map_id)i);

		if (!err && adopt && i < MAP_ADOPTED)
			err = reuse_map(map, p->map[i], c, (enum bpf_map_id)i);
		if (err) {
			log_error("could not prepare map %s: %s", bpf_map_names[i], strerror(-err));
			return err;
		}
	}
	return 0;
}

/* ---- programs ---- */

/* Logs the last lines of the log of the verifier, one by one. */
static void log_tail(char *log)
{
	size_t len = strnlen(log, VERIFIER_LOG_SIZE - 1);
	char *start, *save = NULL;
	int lines = 0;

	log[len] = '\0';
	for (start = log + len; start > log; start--)
		if (start[-1] == '\n' && lines++ > VERIFIER_LOG_LINES)
			break;
	for (char *line = strtok_r(start, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		log_error("verifier: %s", line);
}

static void explain(int err, const struct conf *c)
{
	char advice[LIMITS_ADVICE];
	struct utsname u;

	limits_advice(err, advice);
	if (advice[0])
		log_error("could not load the BPF programs: %s%s", strerror(-err), advice);
	else if (err == -EPERM)
		log_error("the kernel refused to load the BPF programs: %s; run as root, "
			  "or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON",
			  strerror(-err));
	else if (err == -ENOMEM)
		log_error("there is no memory for the BPF maps: max_connections is %u; "
			  "a smaller value needs less memory",
			  c->max_connections);
	else
		log_error("the kernel (%s) rejected the BPF programs: %s; "
			  "Linux 6.1 or newer is needed",
			  uname(&u) ? "unknown" : u.release, strerror(-err));
}

/* All programs share one buffer: loading ends with the first program that is rejected. */
static int give_log_buffer(struct bpf_object *obj, char *log)
{
	struct bpf_program *p;

	bpf_object__for_each_program (p, obj) {
		int err = bpf_program__set_log_buf(p, log, VERIFIER_LOG_SIZE);

		if (err)
			return err;
	}
	return 0;
}

static int check_btf(void)
{
	if (!access(KERNEL_BTF, R_OK))
		return 0;
	log_error("this kernel has no BTF (%s: %s): "
		  "Linux 6.1 or newer with CONFIG_DEBUG_INFO_BTF is needed",
		  KERNEL_BTF, strerror(errno));
	return -ENOTSUP;
}

/* The program of a witness, or all others. */
static int choose_programs(struct bpf_object *obj, bool witness)
{
	const struct bpf_program *its = bpf_object__find_program_by_name(obj, PROG_WITNESS);
	struct bpf_program *p;

	bpf_object__for_each_program (p, obj) {
		int err = bpf_program__set_autoload(p, (p == its) == witness);

		if (err)
			return err;
	}
	return 0;
}

int load_prepare(struct bpf_object *obj, const struct conf *c, const struct pins *p, bool adopt)
{
	int err = check_btf();

	if (!err)
		err = choose_programs(obj, false);
	return err ? err : prepare_maps(obj, c, p, adopt);
}

int load_object(struct bpf_object *obj, const struct conf *c)
{
	char *log = calloc(1, VERIFIER_LOG_SIZE);
	int err;

	if (!log)
		return -ENOMEM;
	err = give_log_buffer(obj, log);
	if (!err)
		err = bpf_object__load(obj);
	if (err) {
		explain(err, c);
		log_tail(log);
	}
	free(log);
	return err;
}

/* ---- a witness ---- */

const enum bpf_map_id bpf_witness_maps[] = {
	MAP_CFG,       MAP_OWN,      MAP_GRANTS, MAP_SERVICES, MAP_SUSPECTS, MAP_PEERS,
	MAP_PEER_MACS, MAP_COUNTERS, MAP_META,   MAP_KEYS,     MAP_COUNT,
};

/* Is only in the memory of the program, and not pinned. */
#define MAP_WORK_NAME "work"

/* Maps that the program of a witness does not use are not made. */
static int choose_maps(struct bpf_object *obj)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map (map, obj)
		if (!err && !bpf_map__is_internal(map))
			err = bpf_map__set_autocreate(
				map, !strcmp(bpf_map__name(map), MAP_WORK_NAME));
	for (int i = 0; !err && bpf_witness_maps[i] != MAP_COUNT; i++)
		err = bpf_map__set_autocreate(
			bpf_object__find_map_by_name(obj, bpf_map_names[bpf_witness_maps[i]]),
			true);
	return err;
}

int load_witness(struct bpf_object *obj, const struct conf *c, const struct pins *p, bool adopt)
{
	int err = check_btf();

	if (!err)
		err = choose_programs(obj, true);
	if (!err)
		err = choose_maps(obj);
	for (int i = 0; !err && adopt && bpf_witness_maps[i] != MAP_COUNT; i++) {
		const enum bpf_map_id id = bpf_witness_maps[i];

		err = reuse_map(bpf_object__find_map_by_name(obj, bpf_map_names[id]), p->map[id], c,
				id);
	}
	return err ? err : load_object(obj, c);
}
