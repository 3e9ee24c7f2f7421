/** The browser's side of the audio: one WebRTC connection that is made anew whenever it breaks. */

const GATHER_MS = 2_000;
const DISCONNECTED_MS = 2_500;
const CONNECT_MS = 8_000;
const SILENT_MS = 400;
const AGAIN_MS = [0, 1_000, 2_500, 5_000];

export type AudioState = "off" | "connecting" | "connected";
export type MicrophoneProblem = "" | "denied" | "missing" | "taken" | "insecure";

export interface AudioReader {
  /** The offer is ready to be sent; its answer has the same `attempt`. */
  offer(sdp: string, attempt: number): void;
  state(state: AudioState): void;
  /** The browser lets the page be heard only after a click, or lets it now. */
  muffled(on: boolean): void;
  /** The microphone was pulled out, or taken away. */
  microphoneLost(): void;
}

const PROBLEMS: Record<string, MicrophoneProblem> = { NotAllowedError: "denied", SecurityError: "denied", NotReadableError: "taken", AbortError: "taken" };

export class PhoneAudio {
  readonly element = new Audio();
  #connection: RTCPeerConnection | null = null;
  #sender: RTCRtpSender | null = null;
  #microphone: MediaStreamTrack | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
  #attempt = 0;
  #muted = false;
  readonly #reader: AudioReader;

  constructor(reader: AudioReader) {
    this.#reader = reader;
    this.element.autoplay = true;
  }

  get connected(): boolean {
    return this.#connection?.connectionState === "connected";
  }

  /** Makes a new connection; the one before is given up. */
  async connect(): Promise<void> {
    clearTimeout(this.#timer);
    this.#drop();
    const connection = new RTCPeerConnection({ iceServers: [] });
    this.#connection = connection;
    this.#reader.state("connecting");
    connection.ontrack = ({ track }) => {
      this.element.srcObject = new MediaStream([track]);
      void this.play();
    };
    connection.onconnectionstatechange = () => this.#changed(connection);
    this.#sender = connection.addTransceiver("audio", { direction: "sendrecv" }).sender;
    await this.#sender.replaceTrack(this.#microphone);
    await connection.setLocalDescription();
    await gathered(connection);
    if (connection !== this.#connection) return;
    this.#attempt += 1;
    this.#reader.offer(connection.localDescription?.sdp ?? "", this.#attempt);
    this.#later(connection, CONNECT_MS);
  }

  async answer(sdp: string, attempt: number): Promise<void> {
    const connection = this.#connection;
    if (attempt !== this.#attempt || connection?.signalingState !== "have-local-offer") return;
    // What the box says was made for this offer; if the browser does not like it all the same, a new one is made in time.
    await connection.setRemoteDescription({ type: "answer", sdp }).catch(() => undefined);
  }

  /** Lets the other side be heard. After the page was loaded again browsers may want a click before: call it again then. */
  async play(): Promise<void> {
    if (!this.element.srcObject) return;
    await this.element.play().then(() => this.#reader.muffled(false), (error: unknown) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#reader.muffled(true);
    });
  }

  /** While talking: makes a new connection where nothing comes any more. On another network ICE takes seconds to see that. */
  async check(): Promise<void> {
    const connection = this.#connection;
    if (!connection || !this.connected) return;
    const before = await received(connection);
    await new Promise((done) => setTimeout(done, SILENT_MS));
    if (connection === this.#connection && this.connected && (await received(connection)) === before) await this.connect();
  }

  /** Tries again soon: the box refused the connection, or it broke. */
  again(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.connect(), AGAIN_MS[Math.min(this.#tries, AGAIN_MS.length - 1)]);
    this.#tries += 1;
  }

  #changed(connection: RTCPeerConnection): void {
    if (connection !== this.#connection) return;
    const { connectionState } = connection;
    if (connectionState === "connected") {
      clearTimeout(this.#timer);
      this.#tries = 0;
      this.#reader.state("connected");
    } else if (connectionState === "disconnected") {
      this.#reader.state("connecting");
      this.#later(connection, DISCONNECTED_MS);
    } else if (connectionState === "failed") {
      this.#reader.state("connecting");
      this.again();
    }
  }

  #later(connection: RTCPeerConnection, wait: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (connection === this.#connection && connection.connectionState !== "connected") this.again();
    }, wait);
  }

  /** Opens the microphone; says what stands in the way. Of no device: the system's own choice. */
  async openMicrophone(device: string): Promise<MicrophoneProblem> {
    if (!navigator.mediaDevices) return "insecure";
    const wanted: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    if (device) wanted.deviceId = { ideal: device };
    let track: MediaStreamTrack | undefined;
    try {
      [track] = (await navigator.mediaDevices.getUserMedia({ audio: wanted })).getAudioTracks();
    } catch (error) {
      return (error instanceof DOMException && PROBLEMS[error.name]) || "missing";
    }
    if (!track) return "missing";
    this.#microphone?.stop();
    this.#microphone = track;
    track.enabled = !this.#muted;
    track.onended = () => {
      if (track === this.#microphone) this.#reader.microphoneLost();
    };
    await this.#sender?.replaceTrack(track);
    // Who may use the microphone may be heard too.
    void this.play();
    return "";
  }

  /** Whether the microphone that is open is still plugged in. Sound servers may put another source in its place unsaid. */
  async microphoneThere(): Promise<boolean> {
    const used = this.#microphone?.getSettings();
    if (!used) return true;
    const found = await navigator.mediaDevices.enumerateDevices();
    return found.some((one) => one.kind === "audioinput" && one.deviceId === used.deviceId && one.groupId === used.groupId);
  }

  /** Lets the microphone go, and with it the browser's sign that it is open. */
  closeMicrophone(): void {
    this.#microphone?.stop();
    this.#microphone = null;
    void this.#sender?.replaceTrack(null);
  }

  mute(on: boolean): void {
    this.#muted = on;
    if (this.#microphone) this.#microphone.enabled = !on;
  }

  async useLoudspeaker(device: string): Promise<void> {
    await this.element.setSinkId?.(device).catch(() => undefined);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.closeMicrophone();
    this.#drop();
    this.#reader.state("off");
  }

  #drop(): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#sender = null;
    this.element.srcObject = null;
    connection?.close();
  }
}

/** Packets so far. */
async function received(connection: RTCPeerConnection): Promise<number> {
  let count = 0;
  (await connection.getStats()).forEach((one: RTCStats & { packetsReceived?: number }) => {
    if (one.type === "inbound-rtp") count += one.packetsReceived ?? 0;
  });
  return count;
}

/** All candidates are there, or it took too long for the rest. */
async function gathered(connection: RTCPeerConnection): Promise<void> {
  if (connection.iceGatheringState === "complete") return;
  await new Promise<void>((done) => {
    const timer = setTimeout(done, GATHER_MS);
    connection.onicegatheringstatechange = () => {
      if (connection.iceGatheringState !== "complete") return;
      clearTimeout(timer);
      done();
    };
  });
}
