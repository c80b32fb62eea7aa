/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules of the doctor on the paths of the pulses: the segment, and those of node.path. Pure.
 *
 * A silent path is a finding of its own while the peer answers over another one. Where it answers
 * over none, the rules on silent peers have the finding.
 */
#include "doctor/rules.h"

bool rule_pulse_path_unusable(const struct facts *f, struct finding *out)
{
	for (unsigned int i = 0; i < f->n_own_paths; i++)
		if (f->own_paths[i].why[0])
			return rule_say(out, "path %u (%s) is not in use: %s", i + 1,
					f->own_paths[i].address, f->own_paths[i].why);
	return false;
}

static bool answers_somewhere(const struct fact_peer *p)
{
	for (unsigned int i = 0; i < p->n_paths; i++)
		if (p->paths[i].answers)
			return true;
	return false;
}

bool rules_segment_is_lost(const struct fact_peer *p)
{
	return p->n_paths && !p->paths[0].answers && answers_somewhere(p);
}

bool rule_segment_lost(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	if (!rules_segment_is_lost(p))
		return false;
	if (p->paths[0].seen_ms < 0)
		return rule_say(out,
				"%s has never answered a pulse over the segment, only elsewhere",
				p->name);
	return rule_say(out, "%s answers over another path, and none over the segment for %.1f s",
			p->name, (double)p->paths[0].seen_ms / 1000);
}

/* The first path beside the segment that is used and does not answer. */
static const struct fact_path *silent_path(const struct fact_peer *p, bool ever, unsigned int *path)
{
	for (unsigned int i = 1; i < p->n_paths; i++) {
		const struct fact_path *way = &p->paths[i];

		if (way->in_use && !way->answers && (way->seen_ms >= 0) == ever) {
			*path = i;
			return answers_somewhere(p) ? way : NULL;
		}
	}
	return NULL;
}

bool rule_pulse_path_never(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];
	unsigned int path;
	const struct fact_path *way = silent_path(p, false, &path);

	return way && rule_say(out, "%s has never answered a pulse over path %u (%s)", p->name,
			       path, way->address);
}

bool rule_pulse_path_lost(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];
	unsigned int path;
	const struct fact_path *way = silent_path(p, true, &path);

	return way && rule_say(out, "%s has answered no pulse over path %u (%s) for %.1f s",
			       p->name, path, way->address, (double)way->seen_ms / 1000);
}
