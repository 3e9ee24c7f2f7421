import type { Said, Told } from "./messages";

/** How often the box is asked whether it is there, how long it may take to say so, and the longest pause between tries to
 * connect: while nothing happens, and while somebody talks, who would sit in silence until the network is known to be
 * another one. */
const CALM = { ping: 4_000, silence: 9_000, pause: 8_000 };
const TALKING = { ping: 1_000, silence: 3_000, pause: 1_000 };
const PAUSES_MS = [300, 1_000, 2_000, 4_000, 8_000];

export interface LineReader {
  told(message: Told): void;
  /** True while messages can be sent. */
  connected(on: boolean): void;
}

/** The connection to the telephone's process: comes back by itself, with the token under which the calls go on. */
export class Line {
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pings: ReturnType<typeof setInterval> | undefined;
  /** When the ping was sent that has no answer yet, in ms of `performance.now`; 0: all have one. Hidden tabs are woken
   * once a minute: it is this that counts, not how long ago something was heard. */
  #asked = 0;
  #tries = 0;
  #open = true;
  #pace = CALM;
  readonly #reader: LineReader;
  #token: string;

  constructor(reader: LineReader, token: string) {
    this.#reader = reader;
    this.#token = token;
    this.#connect();
    addEventListener("online", this.hurry);
  }

  /** Somebody talks. */
  set talking(on: boolean) {
    const pace = on ? TALKING : CALM;
    if (pace === this.#pace) return;
    this.#pace = pace;
    if (this.#socket) this.#watch(this.#socket);
  }

  send(message: Said): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Ends it for good. */
  close(): void {
    this.#open = false;
    removeEventListener("online", this.hurry);
    clearTimeout(this.#timer);
    clearInterval(this.#pings);
    this.#socket?.close();
    this.#socket = null;
  }

  /** The network may be another one: whatever waits for something, do it now. */
  readonly hurry = (): void => {
    this.#tries = 0;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#ping(this.#socket);
    else this.#lost(this.#socket);
  };

  #connect(): void {
    clearTimeout(this.#timer);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const query = this.#token ? `?resume=${encodeURIComponent(this.#token)}` : "";
    const socket = new WebSocket(`${scheme}//${location.host}/api/v1/phone/line${query}`);
    this.#socket = socket;
    this.#asked = performance.now();
    this.#watch(socket);
    socket.onclose = socket.onerror = () => this.#lost(socket);
    socket.onmessage = (event) => {
      if (socket !== this.#socket || typeof event.data !== "string") return;
      this.#asked = 0;
      const message = JSON.parse(event.data) as Told;
      if (message.type === "ready") {
        this.#tries = 0;
        this.#token = message.token;
        this.#reader.connected(true);
      }
      if (message.type === "closed") this.close();
      this.#reader.told(message);
    };
  }

  #watch(socket: WebSocket): void {
    clearInterval(this.#pings);
    this.#pings = setInterval(() => this.#ping(socket), this.#pace.ping);
  }

  #ping(socket: WebSocket): void {
    const now = performance.now();
    if (this.#asked && now - this.#asked > this.#pace.silence) this.#lost(socket);
    else if (this.send({ type: "ping" })) this.#asked ||= now;
  }

  #lost(socket: WebSocket | null): void {
    if (!this.#open || socket !== this.#socket) return;
    clearInterval(this.#pings);
    this.#socket = null;
    socket?.close();
    this.#reader.connected(false);
    clearTimeout(this.#timer);
    const pause = PAUSES_MS[Math.min(this.#tries, PAUSES_MS.length - 1)] ?? 0;
    this.#timer = setTimeout(() => this.#connect(), Math.min(pause, this.#pace.pause));
    this.#tries += 1;
  }
}
