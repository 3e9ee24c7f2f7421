/** What the box says: the shapes of /api/v1. Times are RFC 3339 in UTC, durations seconds. */

export type Role = "admin" | "supervisor" | "agent" | "wallboard";
export type CallState = "routing" | "menu" | "waiting" | "ringing" | "talking" | "held" | "announcement";
export type CallKind = "inbound" | "outbound" | "internal" | "service";
export type AgentStatus = "available" | "break" | "logged-out";
export type AgentState = "logged-out" | "idle" | "offered" | "talking" | "hold" | "wrap-up";
export type TrunkState = "up" | "down" | "registering" | "unchecked";
export type LampColor = "green" | "amber" | "red" | "off";
export type LampMode = "off" | "on" | "slow" | "fast";
export type Language = "ja" | "en";
export type ByLanguage = Partial<Record<Language, string>>;

export interface List<T> {
  items: T[];
  next: string | null;
  seq: number;
}

export type Quality = "good" | "fair" | "bad";

export interface LegView {
  id: string;
  direction: string;
  state: string;
  activity: string;
  extension: string;
  trunk: string;
  agent: string;
  number: string;
  name: string;
  codec: string;
  /** SRTP suite that the party's audio is encrypted with; empty: it is not. */
  srtp: string;
  packets: number;
  lost: number;
  jitter_ms: number;
  /** Mean opinion score of the newest five seconds: of what came from the party, and of what it got. */
  mos: number | null;
  sent_mos: number | null;
  quality: Quality | "";
  round_trip_ms: number | null;
  /** Why nothing is heard of the party although it is connected; empty: it is heard. */
  unheard: string;
  /** Why the party hears nothing; empty: it hears, as far as is known. */
  unreached: string;
}

export interface CallView {
  id: string;
  journey: string;
  kind: CallKind;
  from: string;
  to: string;
  from_name: string;
  trunk: string;
  queue: string;
  agent: string;
  state: CallState;
  destination: string;
  started: string;
  answered: string | null;
  position: number;
  recording: boolean;
  /** It is heard on the loudspeaker. */
  loudspeaker?: boolean;
  recording_paused: boolean;
  record: "never" | "on-demand" | "always";
  answered_by: "" | "human" | "machine" | "unknown";
  /** Why that is the verdict. */
  answered_cause: string;
  /** It is being found out who answers, or will be as soon as somebody does. */
  judging: boolean;
  fax: boolean;
  legs: LegView[];
  /** When `state` began. */
  since: string;
  /** When the caller entered `queue`. */
  queued: string | null;
}

export interface AgentView {
  id: string;
  number: string;
  name: string;
  status: AgentStatus;
  reason: string;
  state: AgentState;
  since: string | null;
  extension: string;
  registered: boolean;
  queues: string[];
  call: string;
}

export interface QueueView {
  id: string;
  number: string;
  name: string;
  waiting: number;
  longest_wait_seconds: number;
  agents_logged_in: number;
  agents_idle: number;
  offered_today: number;
  answered_today: number;
  abandoned_today: number;
  answered_in_level_today: number;
}

export interface ContactView {
  uri: string;
  address: string;
  transport: string;
  user_agent: string;
  expires: string;
}

export interface RegistrationView {
  extension: string;
  name: string;
  contacts: ContactView[];
  busy: boolean;
}

export interface TrunkView {
  id: string;
  host: string;
  state: TrunkState;
  reason: ByLanguage;
  channels: number;
  busy: number;
}

export interface FaultView {
  id: string;
  text: ByLanguage;
  remedy: ByLanguage;
  since: string;
}

export interface LampView {
  id: string;
  label: ByLanguage;
  color: LampColor;
  mode: LampMode;
  meaning: ByLanguage;
}

export interface RecordingRef {
  id: string;
  seconds: number;
}

export interface CallRecord {
  id: string;
  journey: string;
  kind: CallKind;
  from: string;
  from_name: string;
  to: string;
  trunk: string;
  queue: string;
  agent: string;
  started: string;
  answered: string | null;
  ended: string | null;
  wait_seconds: number;
  talk_seconds: number;
  hold_seconds: number;
  cause: string;
  recording: RecordingRef | null;
  answered_by: "" | "human" | "machine" | "unknown";
  fax: boolean;
  /** Of the leg that sounded worst. */
  mos: number | null;
  quality: Quality | "";
}

/** How a leg sounded over its whole life. */
export interface LegVoice {
  leg: string;
  extension: string;
  trunk: string;
  agent: string;
  number: string;
  codec: string;
  quality: Quality | "";
  mos: number | null;
  mos_min: number | null;
  sent_mos: number | null;
  sent_mos_min: number | null;
  /** Shares, 0..1. */
  loss: number;
  sent_loss: number;
  jitter_ms: number;
  round_trip_ms: number | null;
  unheard: string;
  unreached: string;
}

export interface AddressView {
  /** sip-udp, sip-tcp, web, rtp */
  use: string;
  address: string;
}

export interface OffView {
  feature: string;
  name: ByLanguage;
  why: ByLanguage;
  remedy: ByLanguage;
}

/** One direction of the sound card. */
export interface DeviceView {
  /** auto, off, or a part of a device's name. */
  wanted: string;
  /** The device in use; empty: none. */
  device: string;
  why: ByLanguage;
  remedy: ByLanguage;
}

export interface SoundView {
  output: DeviceView;
  input: DeviceView;
  volume: number;
  music: "built-in" | "line-in";
  music_now: "built-in" | "line-in";
  paging: string;
  listening: string;
  listening_by: string;
  ringing: string;
}

export interface SoundDevices {
  outputs: string[];
  inputs: string[];
}

export interface SystemView {
  /** Of the site. */
  name: string;
  version: string;
  language: string;
  timezone: string;
  country: string;
  started: string;
  uptime_seconds: number;
  ready: boolean;
  board: string;
  /** How the command is called on the box, and its data folder; empty for who is no administrator. */
  command: string;
  data: string;
  addresses: AddressView[];
  off: OffView[];
  faults: FaultView[];
  /** There is a loudspeaker, and it plays. */
  loudspeaker?: boolean;
  /** Reasons for a break, where the box says them. */
  breaks?: { key: string; name: string }[];
}

/** What happened to a call, as its events say. */
export interface MomentView {
  type: string;
  at: string;
  [field: string]: unknown;
}

/** A record with the events of its call, where the box keeps them. */
export interface RecordDetail extends CallRecord {
  moments?: MomentView[];
  voice?: LegVoice[];
}

/** The waveform: the largest amplitude (0..1) of each of equally long stretches, a list a channel. */
/** Somebody had the recording stand still. */
export interface PauseView {
  /** Seconds of media time at which it began. */
  offset: number;
  seconds: number;
  how: "silence" | "cut" | "stop";
  by: string;
}

export interface RecordingView {
  id: string;
  pauses: PauseView[];
}

export interface PeaksView {
  id: string;
  seconds: number;
  complete: boolean;
  peaks: number[][];
}

/** One object of the WebSocket: an event of the ledger, or `panel`, `resync`. */
export interface EventMessage {
  type: string;
  at?: string;
  seq?: number;
  [field: string]: unknown;
}
