import type { AgentView, CallView, EventMessage, FaultView, LampView, List, QueueView, RegistrationView, Role, SystemView, TrunkView } from "../api/types";
import { ApiError, get } from "../api/http";
import { Store } from "../store";
import { affected, LISTS, type ListName } from "./affected";
import { serverClock } from "./clock";
import { Refresher } from "./refresher";
import { openEvents, type OpenSocket } from "./socket";

export interface Lists {
  calls: CallView[];
  agents: AgentView[];
  queues: QueueView[];
  registrations: RegistrationView[];
  trunks: TrunkView[];
  faults: FaultView[];
}

/** What a role may see: the rest is neither asked for nor shown. */
export interface Scope {
  /** What is asked for, be it for the names in it. */
  lists: readonly ListName[];
  /** What has a card on the live page. */
  shows: readonly ListName[];
  panel: boolean;
}

export const SCOPES: Record<Role, Scope> = {
  admin: { lists: LISTS, shows: LISTS, panel: true },
  supervisor: { lists: LISTS, shows: LISTS, panel: true },
  agent: { lists: ["calls", "agents", "queues", "registrations"], shows: ["calls", "agents"], panel: false },
  wallboard: { lists: ["agents", "queues"], shows: ["agents", "queues"], panel: true },
};

/** `live` only while the event stream is open and every list is as new as its events. */
export type Connection = "connecting" | "live" | "reconnecting";

export interface LiveState extends Lists {
  connection: Connection;
  /** All lists were read at least once. */
  loaded: boolean;
  panel: LampView[];
  /** The site and the machine, as last read. */
  system: SystemView | null;
  /** Calls that ended since the page was opened: that many records are new. */
  ended: number;
  /** The box's time (ms) when the queues were read: their longest wait counts from there. */
  queuesRead: number;
  /** The box's time (ms) when what is shown was last known to be true. */
  confirmed: number;
}

export interface Source {
  list(name: Exclude<ListName, "faults">): Promise<List<unknown>>;
  panel(): Promise<LampView[]>;
  system(): Promise<SystemView | null>;
  open: OpenSocket;
  now(): number;
}

/** A list that this role may not see, or that this box does not have, is an empty one. */
function emptyWhenRefused<T>(error: unknown): List<T> {
  if (error instanceof ApiError && (error.status === 403 || error.status === 404 || error.status === 501)) {
    return { items: [], next: null, seq: 0 };
  }
  throw error;
}

async function wholeList(name: string): Promise<List<unknown>> {
  const first = await get<List<unknown>>(name).catch(emptyWhenRefused<unknown>);
  let next = first.next;
  while (next) {
    const more = await get<List<unknown>>(name, { cursor: next });
    first.items.push(...more.items);
    next = more.next;
  }
  return first;
}

const fromBox: Source = {
  list: wholeList,
  panel: async () => {
    const answer = await get<List<LampView>>("panel").catch(emptyWhenRefused<LampView>);
    return answer.items;
  },
  system: () => get<SystemView>("system").catch((error: unknown) => {
    emptyWhenRefused(error);
    return null;
  }),
  open: openEvents,
  now: () => serverClock.now(),
};

const NOTHING: LiveState = {
  connection: "connecting", loaded: false, panel: [], confirmed: 0, system: null, queuesRead: 0, ended: 0,
  calls: [], agents: [], queues: [], registrations: [], trunks: [], faults: [],
};

const HEARTBEAT = 5_000;
/** Silence after which the connection is asked whether it is still one. */
const SILENCE = 12_000;
const PAUSES = [300, 1_000, 2_000, 4_000, 8_000];

/** The live lists, kept like the box's own: read once, then read again where an event says that they changed. */
export class Live {
  readonly state = new Store<LiveState>(NOTHING);
  readonly #seqs = new Map<ListName, number>();
  readonly #refresher: Refresher<ListName>;
  #close: (() => void) | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #attempts = 0;
  #heard = 0;
  #running = false;
  /** Rises with each connection; what an older one brings is void. */
  #run = 0;
  #scope = SCOPES.admin;
  /** Number up to which ended calls are counted; 0 before the first reading. */
  #counted = 0;

  constructor(private readonly source: Source = fromBox) {
    this.#refresher = new Refresher<ListName>((names) => this.#read(names), () => this.#lost());
  }

  start(role: Role): void {
    if (this.#running) return;
    this.#running = true;
    this.#run += 1;
    this.#scope = SCOPES[role];
    this.#heartbeat = setInterval(() => void this.#beat(), HEARTBEAT);
    void this.#connect();
  }

  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#drop();
    this.#seqs.clear();
    this.#counted = 0;
    // The next person to log in may see less.
    this.state.set(NOTHING);
  }

  /** Tries at once instead of at the end of the pause (the machine is on the network again, the page is looked at). */
  hurry(): void {
    if (this.#retry === undefined) return;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    void this.#connect();
  }

  /** Reads these lists again, after a command of ours. */
  touch(...names: ListName[]): void {
    this.#refresher.mark(names);
  }

  #drop(): void {
    this.#run += 1;
    this.#close?.();
    this.#close = undefined;
    this.#refresher.stop();
  }

  #lost(): void {
    if (!this.#running) return;
    this.#drop();
    this.state.update((state) => ({ ...state, connection: state.loaded ? "reconnecting" : "connecting" }));
    if (this.#retry !== undefined) return;
    const pause = PAUSES[Math.min(this.#attempts, PAUSES.length - 1)] ?? 0;
    this.#attempts += 1;
    // Spread, so that the pages of a whole office do not come back in one instant.
    this.#retry = setTimeout(() => this.hurry(), pause * (0.75 + Math.random() / 2));
  }

  async #connect(): Promise<void> {
    const run = this.#run;
    try {
      const panels = this.#scope.panel ? this.source.panel() : Promise.resolve([]);
      const [panel] = await Promise.all([panels, this.#read(this.#scope.lists)]);
      if (run !== this.#run) return;
      this.state.update((state) => ({ ...state, panel }));
    } catch {
      if (run === this.#run) this.#lost();
      return;
    }
    const known = [...this.#seqs.values()].filter((seq) => seq > 0);
    this.#heard = this.source.now();
    const read = known.length > 0 ? Math.min(...known) : 0;
    this.#counted ||= read;
    this.#close = this.source.open(read, {
      opened: () => {
        this.#attempts = 0;
        this.#confirm();
      },
      message: (message) => this.#message(message),
      lost: () => this.#lost(),
    });
  }

  #confirm(): void {
    this.#heard = this.source.now();
    this.state.update((state) => ({ ...state, connection: "live", loaded: true, confirmed: this.#heard }));
  }

  #message(message: EventMessage): void {
    this.#heard = this.source.now();
    if (message.type === "panel") {
      const panel = message["items"] as LampView[] | undefined;
      if (Array.isArray(panel)) this.state.update((state) => ({ ...state, panel }));
    } else if (message.type === "resync") {
      this.#seqs.clear();
      this.#refresher.mark(this.#scope.lists);
    } else {
      const seq = message.seq ?? Infinity;
      if (message.type === "call-ended" && seq > this.#counted) {
        this.#counted = seq;
        this.state.update((state) => ({ ...state, ended: state.ended + 1 }));
      }
      this.#refresher.mark(affected(message.type).filter((name) => this.#scope.lists.includes(name) && seq > (this.#seqs.get(name) ?? 0)));
    }
  }

  async #read(names: readonly ListName[]): Promise<void> {
    const run = this.#run;
    const changed: Partial<LiveState> = {};
    const read = async (name: ListName): Promise<void> => {
      if (name === "faults") {
        const system = await this.source.system();
        Object.assign(changed, { system, faults: system?.faults ?? [] });
        return;
      }
      const { items, seq } = await this.source.list(name);
      if (run !== this.#run) return;
      Object.assign(changed, { [name]: items });
      this.#seqs.set(name, seq);
      if (name === "queues") changed.queuesRead = this.source.now();
    };
    await Promise.all(names.map(read));
    if (run !== this.#run) return;
    this.state.update((state) => ({ ...state, ...changed, loaded: true, confirmed: this.source.now() }));
  }

  /** A connection may be dead without saying so (cable pulled, laptop asleep): when it is silent, ask. */
  async #beat(): Promise<void> {
    if (this.state.value.connection !== "live") return;
    if (this.source.now() - this.#heard < SILENCE) {
      this.state.update((state) => ({ ...state, confirmed: this.#heard }));
      return;
    }
    const run = this.#run;
    try {
      await this.#read(["agents"]);
      if (run === this.#run) this.#confirm();
    } catch {
      if (run === this.#run) this.#lost();
    }
  }
}
