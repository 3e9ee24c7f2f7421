import type { Said, Told } from "./messages";

const PING_MS = 4_000;
const SILENCE_MS = 9_000;
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
  #heard = 0;
  #tries = 0;
  #open = true;
  readonly #reader: LineReader;
  #token: string;

  constructor(reader: LineReader, token: string) {
    this.#reader = reader;
    this.#token = token;
    this.#connect();
    addEventListener("online", this.#hurry);
  }

  send(message: Said): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Ends it for good. */
  close(): void {
    this.#open = false;
    removeEventListener("online", this.#hurry);
    clearTimeout(this.#timer);
    clearInterval(this.#pings);
    this.#socket?.close();
    this.#socket = null;
  }

  /** The network may be another one: whatever waits for something, do it now. */
  readonly #hurry = (): void => {
    this.#tries = 0;
    if (this.#socket?.readyState === WebSocket.OPEN) this.send({ type: "ping" });
    else this.#lost(this.#socket);
  };

  #connect(): void {
    clearTimeout(this.#timer);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const query = this.#token ? `?resume=${encodeURIComponent(this.#token)}` : "";
    const socket = new WebSocket(`${scheme}//${location.host}/api/v1/phone/line${query}`);
    this.#socket = socket;
    this.#heard = performance.now();
    clearInterval(this.#pings);
    this.#pings = setInterval(() => this.#ping(socket), PING_MS);
    socket.onclose = socket.onerror = () => this.#lost(socket);
    socket.onmessage = (event) => {
      if (socket !== this.#socket || typeof event.data !== "string") return;
      this.#heard = performance.now();
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

  #ping(socket: WebSocket): void {
    if (performance.now() - this.#heard > SILENCE_MS) this.#lost(socket);
    else this.send({ type: "ping" });
  }

  #lost(socket: WebSocket | null): void {
    if (!this.#open || socket !== this.#socket) return;
    clearInterval(this.#pings);
    this.#socket = null;
    socket?.close();
    this.#reader.connected(false);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), PAUSES_MS[Math.min(this.#tries, PAUSES_MS.length - 1)]);
    this.#tries += 1;
  }
}
