#!/usr/bin/node
// SPDX-License-Identifier: GPL-2.0-only
//
// Players over Node's ws: client_node.js ADDRESS PORT COUNT. Every other player only listens, the
// others send a move every 100 ms. Each player connects again 20 ms after its connection ended. Each
// event is a line of JSON: {"t": ms, "ev": "open", "closed" or "failed", "id": N}.
"use strict";
const WebSocket = require("/usr/share/nodejs/ws");

const [address, port, count] = process.argv.slice(2);
const BACK_MS = 20;

function report(ev, id) {
	process.stdout.write(JSON.stringify({ t: Date.now(), ev, id }) + "\n");
}

function play(id) {
	const ws = new WebSocket(`ws://${address}:${port}/`, { handshakeTimeout: 10000 });
	let opened = false;
	let timer = null;
	let moves = 0;

	ws.on("open", () => {
		opened = true;
		report("open", id);
		if (id % 2)
			timer = setInterval(() => ws.send(JSON.stringify({ move: ++moves })), 100);
	});
	ws.on("error", () => {});
	ws.on("close", () => {
		clearInterval(timer);
		report(opened ? "closed" : "failed", id);
		setTimeout(play, BACK_MS, id);
	});
}

for (let id = 0; id < Number(count); id++)
	play(id);
