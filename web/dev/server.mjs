// A box of air for working on the pages: the built pages, the API with synthetic data, the event stream.
//   npx vite build --watch & node dev/server.mjs [port]      log in as admin, sv, aiko or wall, password "hako"
// /dev/scene?name=busy|quiet|empty|faults sets the scene, /dev/cut closes and refuses connections for 8 seconds.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { advance, scene, setScene, world } from "./world.mjs";

const PAGES = new URL("../../appliance/web/pages/", import.meta.url).pathname;
const PORT = Number(process.argv[2] ?? 8090);
const POLICY = "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };
const ROLES = { admin: "admin", sv: "supervisor", aiko: "agent", wall: "wallboard" };

const watchers = new Set();
let wrongTries = 0;
let cutUntil = 0;

const json = (response, body, status = 200, headers = {}) => {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store", ...headers });
  response.end(JSON.stringify(body));
};
const refuse = (response, status, code, headers = {}) => json(response, { error: { code, message: code } }, status, headers);
const list = (items) => ({ items, next: null, seq: world.seq });
const userOf = (request) => /hako_session=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
const describe = (name) => ({ name, role: ROLES[name], language: "", agent: name === "aiko" ? "aiko" : "" });

async function body(request) {
  let text = "";
  for await (const part of request) text += part;
  return text ? JSON.parse(text) : {};
}

async function session(request, response) {
  if (request.method === "DELETE") return json(response, {}, 200, { "Set-Cookie": "hako_session=; Max-Age=0; Path=/" });
  if (request.method === "GET") return userOf(request) ? json(response, describe(userOf(request))) : refuse(response, 401, "unauthenticated");
  const { name, password } = await body(request);
  if (wrongTries >= 3 && Date.now() < wrongTries) return refuse(response, 429, "throttled", { "Retry-After": "42" });
  if (!ROLES[name] || password !== "hako") {
    if (name === "slow") return refuse(response, 429, "throttled", { "Retry-After": "42" });
    wrongTries += 1;
    return refuse(response, 401, "wrong_password");
  }
  return json(response, describe(name), 200, { "Set-Cookie": `hako_session=${name}; HttpOnly; SameSite=Strict; Path=/` });
}

function records(query) {
  let found = world.records;
  for (const key of ["agent", "queue", "kind"]) if (query.get(key)) found = found.filter((each) => each[key] === query.get(key));
  if (query.get("service") !== "true") found = found.filter((each) => each.kind !== "service");
  const number = query.get("number");
  if (number) found = found.filter((each) => each.from.includes(number) || each.to.includes(number));
  const text = query.get("text");
  if (text) found = found.filter((each) => (each.from + each.from_name + each.to).includes(text));
  const from = query.get("from") ?? "";
  const to = query.get("to") ?? "9";
  found = found.filter((each) => each.started.slice(0, 10) >= from && each.started.slice(0, 10) <= to);
  const start = Number(query.get("cursor") ?? 0);
  const limit = Number(query.get("limit") ?? 50);
  return { items: found.slice(start, start + limit), next: start + limit < found.length ? String(start + limit) : null, seq: world.seq };
}

/** Ten seconds a call side in stereo, 8 kHz, 16 bit, so that the player has something to draw and play. */
function wav(seconds) {
  const rate = 8000;
  const data = Buffer.alloc(Math.round(seconds * rate) * 4);
  for (let at = 0; at < data.length / 4; at += 1) {
    const time = at / rate;
    const turn = Math.sin(time * 0.8) > 0;
    const voice = (pitch) => Math.sin(time * pitch * 6.283) * (0.3 + 0.7 * Math.abs(Math.sin(time * 5))) * 9000;
    data.writeInt16LE(Math.round(turn ? voice(220) : 60 * Math.random()), at * 4);
    data.writeInt16LE(Math.round(turn ? 60 * Math.random() : voice(330)), at * 4 + 2);
  }
  const head = Buffer.alloc(44);
  head.write("RIFF", 0).toString();
  head.writeUInt32LE(36 + data.length, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(2, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 4, 28);
  head.writeUInt16LE(4, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}

function peaks(id, points) {
  const turn = (at) => Math.sin((48 * at * 0.8) / points) > 0;
  const side = (ours) => Array.from({ length: points }, (_, at) => (turn(at) === ours ? 0.01 : 0.1 + 0.35 * Math.abs(Math.sin((48 * at * 5) / points)) * Math.random()));
  return { id, seconds: 48, complete: true, peaks: [side(true), side(false)] };
}

function audio(request, response, seconds) {
  const whole = wav(seconds);
  const [, from, to] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "") ?? [];
  const headers = { "Content-Type": "audio/wav", "Accept-Ranges": "bytes" };
  if (from === undefined) return response.writeHead(200, { ...headers, "Content-Length": whole.length }).end(whole);
  const last = to ? Number(to) : whole.length - 1;
  response.writeHead(206, { ...headers, "Content-Range": `bytes ${from}-${last}/${whole.length}` });
  return response.end(whole.subarray(Number(from), last + 1));
}

async function api(request, response, url) {
  const [, , , name, id, action] = url.pathname.split("/").map(decodeURIComponent);
  if (name === "session") return session(request, response);
  if (!userOf(request)) return refuse(response, 401, "unauthenticated");
  if (name === "system") return json(response, world.system);
  if (name === "panel") return json(response, list(world.panel));
  if (name === "calls" && action === "hangup") return json(response, { ended: emit(world.hangup(id)) });
  if (name === "agents" && request.method !== "GET") {
    const change = await body(request);
    return json(response, { done: emit(world.setStatus(id, change.status ?? "available", change.reason ?? "")) });
  }
  if (name === "records" && id) {
    const found = world.records.find((each) => each.id === id);
    return found ? json(response, { ...found, moments: world.momentsOf(found) }) : refuse(response, 404, "not_found");
  }
  if (name === "records") return json(response, records(url.searchParams));
  if (name === "recordings" && action === "audio") return audio(request, response, 48);
  if (name === "recordings" && action === "peaks") return json(response, peaks(id, Number(url.searchParams.get("points") ?? 800)));
  if (name === "recordings") return json(response, { id, call: "", started: "", seconds: 48, complete: true, reason: "ended", agent: "", segments: [] });
  if (["calls", "agents", "queues", "registrations", "trunks"].includes(name)) return json(response, list(world[name]));
  return refuse(response, 404, "not_found");
}

async function page(response, url) {
  const file = normalize(url.pathname).replace(/^\/+/, "");
  const name = extname(file) ? file : "index.html";
  try {
    const content = await readFile(join(PAGES, name));
    response.writeHead(200, { "Content-Type": TYPES[extname(name)] ?? "application/octet-stream", "Content-Security-Policy": POLICY });
    response.end(content);
  } catch {
    refuse(response, 404, "not_found");
  }
}

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://box");
  if (url.pathname === "/dev/scene") {
    setScene(url.searchParams.get("name"));
    emit([{ type: "config-changed" }, { type: "panel", items: world.panel }]);
    return json(response, { scene });
  }
  if (url.pathname === "/dev/cut") {
    cutUntil = Date.now() + 8000;
    for (const socket of watchers) socket.destroy();
    return json(response, {});
  }
  if (Date.now() < cutUntil) return request.socket.destroy();
  return url.pathname.startsWith("/api/") ? void api(request, response, url) : void page(response, url);
});

// RFC 6455, as much as a page needs: text frames of ours, a Close of theirs.
server.on("upgrade", (request, socket) => {
  if (Date.now() < cutUntil || !userOf(request)) return socket.destroy();
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  watchers.add(socket);
  socket.on("data", (data) => (data[0] & 15) === 8 && socket.end());
  for (const event of ["close", "error"]) socket.on(event, () => watchers.delete(socket));
  return undefined;
});

function write(message) {
  const text = Buffer.from(JSON.stringify(message));
  const head = text.length < 126 ? Buffer.from([0x81, text.length]) : Buffer.from([0x81, 126, text.length >> 8, text.length & 255]);
  for (const socket of watchers) socket.write(Buffer.concat([head, text]));
}

function emit(events) {
  for (const event of events) {
    if (event.type !== "panel") world.seq += 1;
    write({ at: new Date().toISOString(), seq: world.seq, ...event });
  }
  return events.length;
}

setInterval(() => emit(advance()), 500);
server.listen(PORT, "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT}`));
