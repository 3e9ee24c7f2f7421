// The synthetic call centre behind dev/server.mjs: callers come, wait, are answered and go.
const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();
const pick = (items) => items[Math.floor(Math.random() * items.length)];
const by = (items, id) => items.find((each) => each.id === id);

const NAMES = ["佐藤 愛子", "鈴木 健太", "高橋 美咲", "Maria Fernández-Okonkwo", "田中 大輔", "伊藤 さくら", "渡辺 翔", "山本 由美子", "中村 蓮", "小林 陽菜", "加藤 誠", "吉田 直樹"];
const CALLERS = [["09012345678", ""], ["+81312345678", "株式会社ミツヤマ製作所 総務部"], ["0661234567", "ヤマダ電装"], ["anonymous", ""], ["05031234567", ""], ["+815068881234", "Ms Harriet Blake"], ["0120444113", ""], ["0463212345", "平塚市役所"]];
export let scene = "busy";

const agent = (name, index) => ({
  id: index === 0 ? "aiko" : `a${index}`, number: String(index + 1), name, status: "available", reason: "", state: "idle", since: ago(40 + index * 77),
  extension: String(201 + index), registered: true, queues: ["support"], call: "",
});
const queue = (id, number, name) => ({
  id, number, name, waiting: 0, longest_wait_seconds: 0, agents_logged_in: 0, agents_idle: 0, offered_today: 128, answered_today: 117, abandoned_today: 9, answered_in_level_today: 104,
});
const lamp = (id, ja, en, color, mode, ja2, en2) => ({ id, label: { ja, en }, color, mode, meaning: { ja: ja2, en: en2 } });

export const world = {
  seq: 1000, calls: [], agents: [], queues: [], registrations: [], trunks: [], panel: [], records: [], system: {},
  hangup(id) {
    const call = by(world.calls, id);
    if (call) finish(call, "operator");
    return [{ type: "call-ended", call: id }];
  },
  setStatus(id, status, reason) {
    const who = by(world.agents, id);
    if (who) Object.assign(who, { status, reason, state: status === "logged-out" ? "logged-out" : who.call ? who.state : "idle", since: ago(0) });
    refigure();
    return [{ type: "agent-status-changed", agent: id, status, reason }];
  },
  momentsOf(record) {
    const start = Date.parse(record.started);
    const at = (seconds) => new Date(start + seconds * 1000).toISOString();
    const moments = [{ type: "call-started", at: at(0), caller: record.from, called: record.to }];
    if (record.kind === "inbound") {
      moments.push({ type: "menu-entered", at: at(1), menu: "main" }, { type: "menu-key", at: at(6), menu: "main", key: "1" }, { type: "call-routed", at: at(6), destination: "queue:support" },
        { type: "queue-entered", at: at(6), queue: "support", position: 2 }, { type: "queue-offered", at: at(20), queue: "support", agent: "a1", waited: 14 },
        { type: "queue-offer-ended", at: at(40), queue: "support", agent: "a1", outcome: "no-answer" });
    }
    if (record.agent) moments.push({ type: "queue-offered", at: at(40), queue: "support", agent: record.agent, waited: 34 }, { type: "queue-left", at: at(46), queue: "support", outcome: "answered", waited: 40, agent: record.agent }, { type: "leg-bridged", at: at(46), agent: record.agent }, { type: "recording-started", at: at(46) });
    moments.push({ type: "call-ended", at: record.ended, cause: 16, reason: record.cause });
    return moments;
  },
};

function finish(call, cause) {
  world.calls = world.calls.filter((each) => each !== call);
  const who = by(world.agents, call.agent);
  if (who) Object.assign(who, { call: "", state: "wrap-up", since: ago(0) });
  world.records.unshift(recordOf(call, cause));
  refigure();
}

function recordOf(call, cause) {
  const talk = call.answered ? (Date.now() - Date.parse(call.answered)) / 1000 : 0;
  return {
    id: call.id, journey: call.id, kind: call.kind, from: call.from, from_name: call.from_name, to: call.to, trunk: call.trunk, queue: call.queue, agent: call.agent, started: call.started, answered: call.answered,
    ended: ago(0), wait_seconds: 12, talk_seconds: talk, hold_seconds: 0, cause, recording: talk > 0 ? { id: `r-${call.id}`, seconds: talk } : null,
  };
}

let lastCall = 4200;
function newCall(kind, state, seconds, more = {}) {
  const [from, from_name] = pick(CALLERS);
  lastCall += 1;
  const inbound = kind === "inbound";
  const call = {
    id: `c${lastCall}`, journey: `c${lastCall}`, kind, from: inbound ? from : "203", to: inbound ? "0312345678" : kind === "internal" ? "201" : "09087654321", from_name: inbound ? from_name : "",
    trunk: kind === "internal" ? "" : "carrier", queue: "", agent: "", state, destination: inbound ? "menu:main" : kind === "internal" ? "extension:201" : "number:09087654321", started: ago(seconds), answered: null, position: 0, recording: false, legs: [], ...more,
  };
  call.legs = [{ id: `${call.id}-1`, direction: "in", state: "talking", activity: "queue", extension: inbound ? "" : "203", trunk: call.trunk, agent: "", number: call.from, name: call.from_name, codec: "PCMU", packets: 50 * seconds, lost: 3, jitter_ms: 2.4 }];
  world.calls.push(call);
  return call;
}

function connect(call, who, talking) {
  Object.assign(call, { agent: talking ? who.id : "", state: talking ? "talking" : "ringing", position: talking ? 0 : 1, answered: talking ? ago(0) : null, recording: talking });
  call.legs[1] = { id: `${call.id}-2`, direction: "out", state: talking ? "talking" : "ringing", activity: talking ? "bridge" : "offer", extension: who.extension, trunk: "", agent: who.id, number: who.extension, name: who.name, codec: talking ? "PCMA" : "", packets: 0, lost: 0, jitter_ms: 0 };
  Object.assign(who, { call: call.id, state: talking ? "talking" : "offered", since: ago(0) });
}

function refigure() {
  for (const each of world.queues) {
    const waiting = world.calls.filter((call) => call.queue === each.id && !call.answered);
    waiting.forEach((call, index) => { call.position = index + 1; });
    const present = world.agents.filter((who) => who.status !== "logged-out" && who.queues.includes(each.id));
    each.waiting = waiting.length;
    each.longest_wait_seconds = Math.max(0, ...waiting.map((call) => (Date.now() - Date.parse(call.started)) / 1000 - 6));
    each.agents_logged_in = present.length;
    each.agents_idle = present.filter((who) => who.state === "idle" && who.status === "available").length;
  }
}

const records = (count) => Array.from({ length: count }, (_, index) => {
  const [from, from_name] = CALLERS[index % CALLERS.length];
  const kind = ["inbound", "inbound", "inbound", "outbound", "internal"][index % 5];
  const good = index % 4 !== 3;
  const started = 300 + index * 1700;
  return {
    id: `c${4100 - index}`, journey: `c${4100 - index}`, kind, from: kind === "inbound" ? from : String(201 + (index % 9)), from_name: kind === "inbound" ? from_name : "", to: kind === "inbound" ? "0312345678" : kind === "internal" ? "203" : "0120444113", trunk: kind === "internal" ? "" : "carrier",
    queue: kind === "inbound" ? "support" : "", agent: kind === "inbound" && good ? `a${1 + (index % 8)}` : "", started: ago(started), answered: good ? ago(started - 50) : null, ended: ago(started - 50 - (index * 37) % 700),
    wait_seconds: kind === "inbound" ? 6 + (index * 13) % 90 : 0, talk_seconds: good ? (index * 37) % 700 : 0, hold_seconds: index % 6 === 0 ? 33 : 0,
    cause: good ? "answered" : pick(["abandoned", "busy", "no-answer", "not-registered"]), recording: good && kind !== "internal" ? { id: `r${index}`, seconds: (index * 37) % 700 } : null,
  };
});

export function setScene(name) {
  scene = name ?? "busy";
  const empty = scene === "empty";
  world.calls = [];
  world.agents = empty ? [] : NAMES.map(agent);
  world.queues = empty ? [] : [queue("support", "600", "サポート窓口"), { ...queue("sales", "601", "ご注文・お問い合わせ (Sales)"), offered_today: 31, answered_today: 17, abandoned_today: 13, answered_in_level_today: 12 }];
  world.registrations = (empty ? [] : world.agents).map((who, index) => ({
    extension: who.extension, name: ["受付", "サポート 2", "", "Shipping desk (2nd floor)"][index % 4], busy: false,
    contacts: index % 5 === 4 ? [] : [{ uri: `sip:${who.extension}@192.168.1.${20 + index}:5060`, address: `192.168.1.${20 + index}:5060`, transport: "udp", user_agent: ["Yealink SIP-T46U 108.86.0.20", "snomD785/10.1.175.16", "Grandstream GXP2170 1.0.11.79"][index % 3], expires: ago(-240) }],
  }));
  world.trunks = empty ? [] : [{ id: "carrier", host: "sip.carrier.example.jp", state: "up", reason: "", channels: 8, busy: 3 }, { id: "backup", host: "203.0.113.5", state: "unregistered", reason: "", channels: 2, busy: 0 }];
  world.records = empty ? [] : records(140);
  const faulty = scene === "faults";
  const faults = faulty ? [
    { id: "trunk:carrier", text: "外線 carrier に登録できません: パスワードが拒否されました (403)。", remedy: "設定ファイルの trunks.password を回線業者の書類と照らし合わせてください。", since: ago(400) },
    { id: "disk-full", text: "The disk is full: new calls are not recorded.", remedy: "Delete old recordings or connect a larger disk; calls go on meanwhile.", since: ago(4000) },
  ] : [];
  if (faulty) Object.assign(world.trunks[0], { state: "down", reason: "403 Forbidden", busy: 0 });
  world.panel = [
    lamp("power", "電源", "Power", "green", "on", "動作中", "Running"), lamp("network", "LAN", "Network", "green", "on", "192.168.1.10 で接続中", "Connected as 192.168.1.10"),
    lamp("trunk", "外線", "Trunk", faulty ? "red" : "green", faulty ? "fast" : "on", faulty ? "carrier が不通" : "すべて使用可", faulty ? "carrier is down" : "All ready"),
    lamp("calls", "通話", "Calls", empty ? "off" : "green", empty ? "off" : "on", "通話中", "Calls in progress"),
    lamp("waiting", "待ち", "Waiting", scene === "busy" ? "amber" : "off", scene === "busy" ? "slow" : "off", "お客様が待っています", "Callers are waiting"),
    lamp("agents", "受付", "Agents", "green", "on", "3 名が待機中", "3 agents idle"), lamp("recording", "録音", "Recording", "red", scene === "quiet" ? "off" : "on", "録音中", "Recording"),
    lamp("fault", "障害", "Fault", faulty ? "red" : "off", faulty ? "fast" : "off", faulty ? "2 件の障害" : "障害なし", faulty ? "2 faults" : "No faults"),
  ];
  world.system = {
    name: "ミツヤマ商事 コールセンター", version: "0.1.0", language: "ja", timezone: "Asia/Tokyo", country: "JP", started: ago(200_000), uptime_seconds: 200_000, ready: true, board: "", faults,
    addresses: [{ use: "sip-udp", address: "192.168.1.10:5060" }, { use: "sip-tcp", address: "192.168.1.10:5060" }, { use: "web", address: "http://192.168.1.10:8080" }, { use: "rtp", address: "192.168.1.10:10000-10999" }],
    off: [{ feature: "gpio", why: "This machine has no GPIO pins: the lamps are drawn on the page." }],
  };
  if (scene === "busy" || faulty) {
    Object.assign(world.agents[10], { status: "logged-out", state: "logged-out", registered: false });
    Object.assign(world.agents[11], { status: "logged-out", state: "logged-out" });
    Object.assign(world.agents[9], { status: "break", reason: "昼休憩", since: ago(1900) });
    Object.assign(world.agents[8], { status: "break", reason: "" });
    Object.assign(world.agents[7], { state: "wrap-up", since: ago(8) });
    Object.assign(world.agents[4], { registered: false });
    for (const [index, seconds] of [[0, 312], [1, 4210], [3, 18]]) {
      const call = newCall("inbound", "talking", seconds + 30, { queue: "support", destination: "queue:support" });
      connect(call, world.agents[index], true);
      Object.assign(call, { answered: ago(seconds) });
      world.agents[index].since = call.answered;
    }
    Object.assign(world.calls[1], { state: "held" });
    world.agents[1].state = "hold";
    newCall("internal", "ringing", 4);
    newCall("inbound", "menu", 9);
    newCall("outbound", "talking", 77, { answered: ago(70) });
    newCall("inbound", "announcement", 3, { destination: "announcement:closed" });
    const rung = newCall("inbound", "ringing", 95, { queue: "support", destination: "queue:support" });
    connect(rung, world.agents[2], false);
    newCall("inbound", "waiting", 41, { queue: "support", destination: "queue:support" });
    newCall("inbound", "waiting", 12, { queue: "sales", destination: "queue:sales" });
  }
  for (const phone of world.registrations) phone.busy = world.agents.some((who) => who.extension === phone.extension && who.call);
  refigure();
}

/** Half a second passes; the events of what happened in it. */
export function advance() {
  const events = [];
  if (scene !== "busy") return events;
  if (Math.random() < 0.08 && world.calls.length < 14) {
    const call = newCall("inbound", "menu", 0);
    events.push({ type: "call-started", call: call.id }, { type: "menu-entered", call: call.id });
  }
  for (const call of [...world.calls]) {
    const idle = world.agents.find((who) => who.state === "idle" && who.status === "available" && who.registered);
    if (call.state === "menu" && Math.random() < 0.15) {
      Object.assign(call, { state: "waiting", queue: "support", destination: "queue:support" });
      events.push({ type: "queue-entered", call: call.id, queue: "support" });
    } else if (call.state === "waiting" && idle && Math.random() < 0.2) {
      connect(call, idle, false);
      events.push({ type: "queue-offered", call: call.id, agent: idle.id });
    } else if (call.state === "ringing" && call.queue && Math.random() < 0.15) {
      connect(call, by(world.agents, call.legs[1].agent), true);
      events.push({ type: "leg-bridged", call: call.id }, { type: "queue-left", call: call.id });
    } else if (call.state === "talking" && Math.random() < 0.01) {
      finish(call, "answered");
      events.push({ type: "call-ended", call: call.id });
    }
  }
  for (const who of world.agents) {
    if (who.state !== "wrap-up" || Math.random() > 0.08) continue;
    Object.assign(who, { state: "idle", since: ago(0) });
    events.push({ type: "agent-state-changed", agent: who.id });
  }
  refigure();
  return events;
}

setScene("busy");
