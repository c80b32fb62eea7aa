/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names and explanations of the enums that BPF and user space share, and of the reason codes.
 *
 * Each table is expanded from the same list as its enum (include/hokm/names.h), so every value has
 * a name. Values come from maps, events and other nodes: a value that is out of range gives "?".
 */
#include <string.h>

#include "hokm/names.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#define WORD(p, id, name, text)          [p##_##id] = (name),
#define SENTENCE(p, id, name, text)      [p##_##id] = (text),
#define COUNTER_WORD(name, text)         [HOKM_CTR_##name] = #name,
#define COUNTER_SENTENCE(name, text)     [HOKM_CTR_##name] = (text),
#define LATENCY_WORD(name, text)         [HOKM_LAT_##name] = #name,
#define LATENCY_SENTENCE(name, text)     [HOKM_LAT_##name] = (text),
#define SIGNAL_REASON(p, id, name, text) [p##_##id] = HOKM_R_PASSIVE_##id,

static const char *const vrrp_states[] = {HOKM_VRRP_STATES(WORD, HOKM_VRRP)};
static const char *const svc_states[] = {HOKM_SVC_STATES(WORD, HOKM_SVC)};
static const char *const tcp_states[] = {HOKM_TCP_STATES(WORD, HOKM_TCP)};
static const char *const ws_phases[] = {HOKM_WS_PHASES(WORD, HOKM_WS)};
static const char *const follow_states[] = {HOKM_FOLLOW_STATES(WORD, HOKM_FOLLOW)};
static const char *const ws_faults[] = {HOKM_WS_FAULTS(WORD, HOKM_FAULT)};
static const char *const event_kinds[] = {HOKM_EVENT_KINDS(WORD, HOKM_EV)};
static const char *const counters[] = {HOKM_COUNTERS(COUNTER_WORD)};
static const char *const counter_texts[] = {HOKM_COUNTERS(COUNTER_SENTENCE)};
static const char *const latencies[] = {HOKM_LATENCIES(LATENCY_WORD)};
static const char *const latency_texts[] = {HOKM_LATENCIES(LATENCY_SENTENCE)};
static const char *const signals[] = {HOKM_SIGNALS(WORD, HOKM_SIGNAL)};
static const char *const signal_texts[] = {HOKM_SIGNALS(SENTENCE, HOKM_SIGNAL)};
static const enum hokm_reason signal_reasons[] = {HOKM_SIGNALS(SIGNAL_REASON, HOKM_SIGNAL)};
static const char *const reasons[] = {HOKM_REASONS(WORD, HOKM_R)};
static const char *const reason_texts[] = {HOKM_REASONS(SENTENCE, HOKM_R)};

_Static_assert(COUNT_OF(vrrp_states) == HOKM_VRRP_STATE_COUNT, "vrrp states");
_Static_assert(COUNT_OF(svc_states) == HOKM_SVC_STATE_COUNT, "service states");
_Static_assert(COUNT_OF(tcp_states) == HOKM_TCP_STATE_COUNT, "tcp states");
_Static_assert(COUNT_OF(ws_phases) == HOKM_WS_PHASE_COUNT, "ws phases");
_Static_assert(COUNT_OF(follow_states) == HOKM_FOLLOW_STATE_COUNT, "follow states");
_Static_assert(COUNT_OF(ws_faults) == HOKM_WS_FAULT_COUNT, "ws faults");
_Static_assert(COUNT_OF(latencies) == HOKM_LAT_COUNT, "latencies");
_Static_assert(COUNT_OF(event_kinds) == HOKM_EVENT_KIND_COUNT, "event kinds");
_Static_assert(COUNT_OF(counters) == HOKM_CTR_COUNT, "counters");
_Static_assert(COUNT_OF(signals) == HOKM_SIGNAL_COUNT, "signals");
_Static_assert(COUNT_OF(reasons) == HOKM_REASON_COUNT, "reasons");

static const char *word_of(const char *const *table, size_t n, unsigned int value)
{
	return value < n ? table[value] : "?";
}

const char *hokm_vrrp_state_name(unsigned int state)
{
	return word_of(vrrp_states, COUNT_OF(vrrp_states), state);
}

const char *hokm_svc_state_name(unsigned int state)
{
	return word_of(svc_states, COUNT_OF(svc_states), state);
}

const char *hokm_tcp_state_name(unsigned int state)
{
	return word_of(tcp_states, COUNT_OF(tcp_states), state);
}

const char *hokm_ws_phase_name(unsigned int phase)
{
	return word_of(ws_phases, COUNT_OF(ws_phases), phase);
}

const char *hokm_follow_state_name(unsigned int state)
{
	return word_of(follow_states, COUNT_OF(follow_states), state);
}

const char *hokm_ws_fault_name(unsigned int fault)
{
	return word_of(ws_faults, COUNT_OF(ws_faults), fault);
}

const char *hokm_event_kind_name(unsigned int kind)
{
	return word_of(event_kinds, COUNT_OF(event_kinds), kind);
}

const char *hokm_counter_name(unsigned int counter)
{
	return word_of(counters, COUNT_OF(counters), counter);
}

const char *hokm_counter_text(unsigned int counter)
{
	return word_of(counter_texts, COUNT_OF(counter_texts), counter);
}

const char *hokm_latency_name(unsigned int kind)
{
	return word_of(latencies, COUNT_OF(latencies), kind);
}

const char *hokm_latency_text(unsigned int kind)
{
	return word_of(latency_texts, COUNT_OF(latency_texts), kind);
}

const char *hokm_reason_name(unsigned int reason)
{
	return word_of(reasons, COUNT_OF(reasons), reason);
}

const char *hokm_reason_text(unsigned int reason)
{
	return word_of(reason_texts, COUNT_OF(reason_texts), reason);
}

const char *hokm_signal_name(unsigned int signal)
{
	return word_of(signals, COUNT_OF(signals), signal);
}

const char *hokm_signal_text(unsigned int signal)
{
	return word_of(signal_texts, COUNT_OF(signal_texts), signal);
}

enum hokm_reason hokm_signal_reason(unsigned int signal)
{
	return signal < COUNT_OF(signal_reasons) ? signal_reasons[signal] : HOKM_R_NONE;
}

int hokm_event_kind_from_name(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(event_kinds); i++)
		if (!strcmp(name, event_kinds[i]))
			return (int)i;
	return -1;
}
