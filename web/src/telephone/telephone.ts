import { get } from "../api/http";
import { Store } from "../store";
import { Alarm } from "./alarm";
import { PhoneAudio, type AudioState, type MicrophoneProblem } from "./audio";
import { Line } from "./line";
import { failure, withNews, type BrowserPhone, type Failure, type PhoneCall, type Said, type Told } from "./messages";
import { Tones, type Tone } from "./tones";

export interface PhoneState {
  /** Null until the box has said. */
  place: BrowserPhone | null;
  /** The person takes calls here. */
  on: boolean;
  linked: boolean;
  registered: boolean;
  audio: AudioState;
  microphone: MicrophoneProblem;
  /** The browser wants a click before anything is heard. */
  muffled: boolean;
  muted: boolean;
  calls: PhoneCall[];
  /** What the box refused last, by its code; empty: nothing. */
  refused: string;
  /** Why the last call came to nothing, or to a sudden end. */
  failed: Failure;
  /** Why it ended without having been asked to. */
  closed: string;
}

export interface Devices {
  microphone: string;
  loudspeaker: string;
}

const AT_FIRST: PhoneState = { place: null, on: false, linked: false, registered: false, audio: "off", microphone: "", muffled: false, muted: false, calls: [], refused: "", failed: "", closed: "" };
const TOKEN_KEY = "hako.phone";
const DEVICES_KEY = "hako.phone-devices";
const FAILURE_MS = 12_000;

/** The telephone of this page. One for all of it. */
class Telephone {
  readonly state = new Store<PhoneState>(AT_FIRST);
  readonly #tones = new Tones();
  readonly #audio = new PhoneAudio({
    offer: (sdp, attempt) => void this.#send({ type: "offer", sdp, attempt }),
    state: (audio) => this.#audioIs(audio),
    muffled: (muffled) => this.#set({ muffled }),
    microphoneLost: () => this.#tryMicrophone(),
  });
  #line: Line | null = null;
  #talking = false;
  /** Calls that the person has ended while the box could not be told. */
  readonly #given = new Set<string>();
  #failure: ReturnType<typeof setTimeout> | undefined;
  readonly #alarm = new Alarm();

  get devices(): Devices {
    try {
      const stored = JSON.parse(localStorage.getItem(DEVICES_KEY) ?? "{}") as Partial<Devices>;
      return { microphone: String(stored.microphone ?? ""), loudspeaker: String(stored.loudspeaker ?? "") };
    } catch {
      return { microphone: "", loudspeaker: "" };
    }
  }

  /** Asks whether the person has a telephone; goes on with it where the page was only loaded again. */
  async look(announce: (call: PhoneCall) => string): Promise<void> {
    this.#alarm.words = announce;
    const place = await get<BrowserPhone>("phone");
    this.#set({ place });
    const token = sessionStorage.getItem(TOKEN_KEY);
    if (token && place.available && !this.#line) this.#begin(token);
  }

  /** From a click: takes calls here. */
  async turnOn(): Promise<void> {
    this.#tones.unlock();
    this.#set({ closed: "", refused: "", failed: "" });
    if ("Notification" in window && Notification.permission === "default") void Notification.requestPermission();
    const microphone = await this.#audio.openMicrophone(this.devices.microphone);
    this.#set({ microphone });
    if (microphone) return;
    this.#audio.closeMicrophone();
    this.#begin("");
  }

  turnOff(): void {
    const line = this.#line;
    this.#send({ type: "leave" });
    // The box says when it is done; a box that is away does not.
    setTimeout(() => { if (line === this.#line) this.#end(""); }, 150);
  }

  /** Forgets everything: nobody is logged in any more. */
  reset(): void {
    this.#end("");
    this.state.set(AT_FIRST);
  }

  dial(number: string): void {
    this.#tones.unlock();
    this.#set({ refused: "", failed: "" });
    this.#send({ type: "dial", number });
  }

  answer(call: string): void {
    this.#tones.unlock();
    this.#send({ type: "answer", call });
  }

  hangUp(call: string): void {
    if (this.#send({ type: "hang-up", call })) return;
    this.#given.add(call);
    this.#set({ calls: this.state.value.calls.filter((each) => each.call !== call) });
    this.#follow();
  }

  hold(call: string, on: boolean): void {
    this.#send({ type: "hold", call, on });
  }

  key(call: string, key: string): void {
    this.#send({ type: "key", call, key });
  }

  mute(muted: boolean): void {
    this.#audio.mute(muted);
    this.#set({ muted });
  }

  async choose(devices: Partial<Devices>): Promise<void> {
    const chosen = { ...this.devices, ...devices };
    localStorage.setItem(DEVICES_KEY, JSON.stringify(chosen));
    if (devices.loudspeaker !== undefined) await this.#audio.useLoudspeaker(devices.loudspeaker);
    if (devices.microphone !== undefined && this.#talking) this.#tryMicrophone();
  }

  #begin(token: string): void {
    this.#line?.close();
    this.#set({ on: true });
    addEventListener("beforeunload", this.#warn);
    addEventListener("pointerdown", this.#touched);
    addEventListener("keydown", this.#touched);
    navigator.mediaDevices?.addEventListener("devicechange", this.#plugged);
    void this.#audio.useLoudspeaker(this.devices.loudspeaker);
    this.#line = new Line({ told: (message) => this.#told(message), connected: (linked) => this.#set({ linked }) }, token);
  }

  #end(closed: string): void {
    this.#line?.close();
    this.#line = null;
    sessionStorage.removeItem(TOKEN_KEY);
    removeEventListener("beforeunload", this.#warn);
    removeEventListener("pointerdown", this.#touched);
    removeEventListener("keydown", this.#touched);
    navigator.mediaDevices?.removeEventListener("devicechange", this.#plugged);
    this.#audio.close();
    this.#given.clear();
    this.#talking = false;
    this.#set({ on: false, linked: false, registered: false, calls: [], muffled: false, muted: false, refused: "", closed });
    this.#follow();
  }

  readonly #warn = (event: BeforeUnloadEvent): void => {
    if (this.state.value.calls.some((call) => call.state === "talking")) event.preventDefault();
  };

  /** Browsers let a page that was loaded again make sounds from the first click or key on. */
  readonly #touched = (): void => {
    this.#tones.unlock();
    if (this.state.value.muffled) void this.#audio.play();
  };

  readonly #plugged = (): void => {
    if (!this.#talking) return;
    if (this.state.value.microphone) this.#tryMicrophone();
    else void this.#audio.microphoneThere().then((there) => { if (!there && this.#talking) this.#tryMicrophone(); });
  };

  #told(message: Told): void {
    switch (message.type) {
      case "ready":
        sessionStorage.setItem(TOKEN_KEY, message.token);
        this.#ready(message.resumed);
        break;
      case "media":
        void this.#audio.answer(message.sdp, message.attempt);
        break;
      case "registered":
        this.#set({ registered: message.on });
        break;
      case "call":
        if (message.state === "ended") this.#given.delete(message.call);
        else if (this.#given.has(message.call)) return void this.#send({ type: "hang-up", call: message.call });
        this.#set({ calls: withNews(this.state.value.calls, message, Date.now()) });
        this.#fail(failure(message));
        this.#follow();
        break;
      case "refused":
        if (message.code === "media") this.#audio.again();
        else if (message.code !== "no-such-call") this.#set({ refused: message.code });
        break;
      case "closed":
        this.#end(message.reason === "left" ? "" : message.reason);
        break;
    }
  }

  #audioIs(audio: AudioState): void {
    const broken = audio === "connecting" && this.state.value.audio === "connected";
    this.#set({ audio });
    // Where audio breaks the network may be another one, and nothing that is sent now would arrive.
    if (broken) this.#line?.hurry();
  }

  /** The box is there, or there again; the calls that it has are told next. */
  #ready(resumed: boolean): void {
    const { calls } = this.state.value;
    if (!resumed && calls.length) this.#fail("lost");
    if (!resumed) this.#given.clear();
    this.#set({ calls: [], refused: "" });
    if (!resumed) this.#follow();
    if (!resumed || !this.#audio.connected) void this.#audio.connect();
    else if (calls.some((call) => call.state === "talking")) void this.#audio.check();
  }

  /** Microphone, ringing and notice follow the calls. */
  #follow(): void {
    const { calls } = this.state.value;
    const rings = calls.find((call) => call.direction === "in" && call.state === "ringing");
    const talking = calls.some((call) => call.state !== "ringing" || call.direction === "out");
    if (talking && !this.#talking) this.#tryMicrophone();
    else if (!talking && this.#talking) {
      this.#audio.closeMicrophone();
      this.mute(false);
      this.#set({ microphone: "" });
    }
    this.#talking = talking;
    if (this.#line) this.#line.talking = talking;
    this.#tones.play(tone(calls));
    this.#alarm.ring(rings);
  }

  #tryMicrophone(): void {
    void this.#audio.openMicrophone(this.devices.microphone).then((microphone) => {
      if (this.#talking) this.#set({ microphone });
      else this.#audio.closeMicrophone();
    });
  }

  #fail(failed: Failure): void {
    if (!failed) return;
    clearTimeout(this.#failure);
    this.#set({ failed });
    this.#failure = setTimeout(() => this.#set({ failed: "" }), FAILURE_MS);
  }

  #send(message: Said): boolean {
    return this.#line?.send(message) ?? false;
  }

  #set(news: Partial<PhoneState>): void {
    this.state.update((state) => ({ ...state, ...news }));
  }
}

function tone(calls: readonly PhoneCall[]): Tone {
  const busy = calls.some((call) => call.state === "talking");
  if (calls.some((call) => call.direction === "in" && call.state === "ringing")) return busy ? "waiting" : "ring";
  return calls.some((call) => call.direction === "out" && call.state === "ringing") ? "ringback" : "";
}

export const telephone = new Telephone();
