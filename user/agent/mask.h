/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Secrets in texts that others wrote: a provider or a server may repeat what it was sent. Mask a
 * text before it is cut, and again afterwards: the end of a text that was cut elsewhere may be the
 * beginning of a secret.
 */
#ifndef HOKM_AGENT_MASK_H
#define HOKM_AGENT_MASK_H

/* A shorter secret would hide words, and is none. */
#define MASK_LEAST 4

/*
 * Writes '*' over each occurrence of the secret in `text`, and over the end of `text` if that is
 * the beginning of the secret, of MASK_LEAST characters at least.
 */
void mask_secret(char *text, const char *secret);

#endif
