/** The browser's side of the audio: one WebRTC connection that is made anew whenever it breaks. */

const GATHER_MS = 2_000;
const DISCONNECTED_MS = 2_500;
const CONNECT_MS = 8_000;
const AGAIN_MS = [0, 1_000, 2_500, 5_000];

export type AudioState = "off" | "connecting" | "connected";
export type MicrophoneProblem = "" | "denied" | "missing" | "insecure";

export interface AudioReader {
  /** The offer is ready to be sent. */
  offer(sdp: string): void;
  state(state: AudioState): void;
}

export class PhoneAudio {
  readonly element = new Audio();
  #connection: RTCPeerConnection | null = null;
  #sender: RTCRtpSender | null = null;
  #microphone: MediaStreamTrack | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
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
      void this.element.play().catch(() => undefined);
    };
    connection.onconnectionstatechange = () => this.#changed(connection);
    this.#sender = connection.addTransceiver("audio", { direction: "sendrecv" }).sender;
    await this.#sender.replaceTrack(this.#microphone);
    await connection.setLocalDescription();
    await gathered(connection);
    if (connection !== this.#connection) return;
    this.#reader.offer(connection.localDescription?.sdp ?? "");
    this.#later(connection, CONNECT_MS);
  }

  async answer(sdp: string): Promise<void> {
    if (this.#connection?.signalingState !== "have-local-offer") return;
    await this.#connection.setRemoteDescription({ type: "answer", sdp });
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
      return error instanceof DOMException && error.name === "NotAllowedError" ? "denied" : "missing";
    }
    if (!track) return "missing";
    this.#microphone?.stop();
    this.#microphone = track;
    track.enabled = !this.#muted;
    await this.#sender?.replaceTrack(track);
    return "";
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
    connection?.close();
  }
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
