/** Every word the pages say, in English. `ja.ts` has the same keys, or it does not compile. */
const plural = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

export const en = {
  product: "Hako",
  tagline: "The call centre in a box",

  nav: { live: "Live", records: "Records", system: "System", menu: "Pages", skip: "To the content" },

  common: {
    close: "Close", cancel: "Cancel", all: "All", clear: "Clear", loading: "Loading…",
    retry: "Try again", more: "Show more",
  },

  errors: {
    unreachable: "The box does not answer. Check that it has power and that this computer is on its network.",
    forbidden: "Your log-in may not do this.",
    notFound: "It is no longer there.",
    notBuilt: "This version of the box cannot do this yet.",
    throttled: (time: string): string => `Too many tries. Try again at ${time}.`,
    other: (message: string): string => `The box refused: ${message}`,
  },

  login: {
    title: "Log in", name: "Name", password: "Password", submit: "Log in", busy: "Logging in…",
    wrong: "Name or password is wrong.",
    empty: "Enter your name and password.",
    throttled: (time: string, wait: string): string => `Too many wrong tries. Log in again at ${time} (in ${wait}).`,
    ended: "Your session has ended. Log in again.",
    show: "Show password", hide: "Hide password",
    help: "Forgotten? Your administrator can set a new password on the box.",
  },

  connection: {
    live: "Live", connecting: "Connecting…", reconnecting: "Reconnecting…",
    stale: (time: string): string => `Not live: the box does not answer. What you see is from ${time}.`,
    boxTime: "Time of the box",
  },

  live: {
    title: "Live",
    waitingNow: "Waiting", longestWait: "Longest wait", inProgress: "On calls", agentsFree: "Agents free", answeredToday: "Answered today", abandonedToday: "Abandoned today",
    serviceLevel: "Service level", ofLoggedIn: (count: number): string => `of ${count} logged in`, ofOffered: (count: number): string => `of ${plural(count, "call", "calls")}`,
    levelMeaning: "Share of today's offered calls that were answered within the queue's target time",
  },

  waiting: {
    title: "Waiting callers", empty: "Nobody is waiting.", position: (place: number): string => `No. ${place}`,
  },

  place: {
    open: "Call…", title: "Call a number", intro: "The telephone rings first. When it is picked up, the number is called.", from: "From telephone", choose: "Choose a telephone", number: "Number",
    judge: "Find out who answers: a person, a machine or a fax", call: "Call", placed: (phone: string): string => `${phone} rings: pick it up.`,
    nobody: "No telephone is registered that could call.", itself: "A telephone cannot call itself.", ownAway: "Your telephone is not registered.", judging: "Listening who answers…",
  },

  calls: {
    title: "Calls in progress", empty: "No calls at the moment.", hangUp: "Hang up", recording: "Recording", recorded: "Being recorded", paused: "Recording paused", pausedWhy: "Nothing that is said now is kept",
    record: { start: "Start recording", stop: "Stop recording", pause: "Pause recording", resume: "Resume recording" }, total: "total",
    confirmTitle: "Hang up this call?", confirm: (who: string): string => `Both parties of ${who} are cut off at once.`, hungUp: "The call was ended.",
    gone: "The call had already ended.", anonymous: "Number withheld", legs: "Parties of this call", quality: "Audio received", lost: (share: string): string => `${share} lost`,
    loudspeaker: "On the loudspeaker", hear: "Hear it on the loudspeaker", hearNoMore: "Loudspeaker off",
    jitter: (ms: number): string => `jitter ${ms} ms`, noAudio: "no audio yet", show: "Show the parties", keys: "Press keys", keysFor: "Keys for the party outside",
    encrypted: "Audio encrypted to every party", encryptedTo: (who: string): string => `Audio encrypted to ${who} only`, encryptedLeg: "Audio encrypted", and: ", ",
  },

  callState: { routing: "Connecting", menu: "In the menu", waiting: "Waiting", ringing: "Ringing", talking: "Talking", held: "On hold", announcement: "Announcement" },
  ringingWho: (who: string): string => `Ringing ${who}`,

  fax: "Fax machine", answeredBy: { human: "A person answered", machine: "A machine answered", fax: "A fax machine answered", silence: "Nobody spoke", unknown: "Who answered is not sure" },

  kind: { inbound: "Inbound", outbound: "Outbound", internal: "Internal", service: "Service" },

  legState: { calling: "calling", ringing: "ringing", talking: "talking", held: "on hold" },

  destination: {
    extension: (name: string): string => `Phone ${name}`, queue: (name: string): string => name, menu: (name: string): string => `Menu ${name}`, group: (name: string): string => `Group ${name}`,
    hours: (name: string): string => `Hours ${name}`, announcement: (name: string): string => `Announcement ${name}`, voicemail: (name: string): string => `Voicemail ${name}`,
    conference: (name: string): string => `Conference ${name}`, number: (name: string): string => name, music: "Music", hangup: "Hang up",
  },

  agents: {
    title: "Agents", empty: "No agents are set up.", change: (name: string): string => `Change status of ${name}`, noPhone: "phone not registered",
    reason: "Reason", changed: (name: string): string => `Status of ${name} changed.`, phone: (extension: string): string => `Phone ${extension}`, finishWrapUp: "End wrap-up",
    loggedIn: (count: number, all: number): string => `${count} of ${all} logged in`, showLoggedOut: (count: number): string => `Logged out: ${count}`,
  },
  status: { available: "Available", break: "On break", "logged-out": "Logged out" },
  state: { "logged-out": "Logged out", idle: "Idle", offered: "Ringing", talking: "Talking", hold: "On hold", "wrap-up": "Wrap-up" },
  setStatus: { available: "Available", break: "Break", "logged-out": "Log out" },

  queues: {
    title: "Queues", empty: "No queues are set up.", waiting: "Waiting", longest: "Longest", agents: "Free / in", agentsLong: "Agents free / logged in", today: "Today", offered: "Offered",
    answered: "Answered", abandoned: "Abandoned", level: "Service level", nobody: "Nobody logged in",
  },

  lines: {
    phones: "Phones", trunks: "Trunks", registered: (count: number, all: number): string => `${count} of ${all} registered`, noPhones: "No extensions are set up.", noTrunks: "No trunks are set up.",
    notRegistered: "Not registered", busy: "On a call", free: "Free", expires: "until", channels: (busy: number, all: number): string => `${busy} of ${all} channels`, showPhones: "Addresses and models",

  },
  trunkState: { up: "Ready", down: "Down", registering: "Registering…", unchecked: "Not checked" },

  faults: { title: "Needs attention", remedy: "What to do", since: (time: string): string => `since ${time}` },

  panel: { title: "Front panel", allWell: "All lamps say: everything is well.", dark: "No lamps.", lamp: (label: string, meaning: string): string => `${label}: ${meaning}` },
  lampColor: { green: "green", amber: "amber", red: "red", off: "off" },
  lampMode: { off: "off", on: "on", slow: "blinking slowly", fast: "blinking fast" },

  records: {
    title: "Records", from: "From", to: "To", numberHint: "Part of a number or name", agent: "Agent", queue: "Queue", kind: "Kind", service: "Show service calls",
    today: "Today", yesterday: "Yesterday", week: "7 days", month: "30 days", anyTime: "Any time",
    started: "Started", caller: "From", called: "To", waited: "Waited", talked: "Talked", held: "On hold", result: "Result", recording: "Recording", ended: "Ended", answered: "Answered", heard: "Heard",
    empty: "No calls match this search.", emptyHint: "Choose a longer period or clear the search.", none: "No calls yet. They appear here as soon as they have ended.",
    count: (count: number, more: boolean): string => (more ? `the newest ${count}` : plural(count, "call", "calls")), play: "Play the recording", open: "Open the call", inProgress: "In progress",
    newer: (count: number): string => `${plural(count, "new call", "new calls")}: show`, filters: "Search", trunk: "Trunk", encryption: "Encrypted to", encryptedAll: "Everybody", encryptedOnly: (who: string): string => `${who} only`, id: "Call id", badRange: "The first day is after the last.",
  },

  cause: {
    answered: "Answered", announcement: "Heard an announcement", abandoned: "Abandoned", cancelled: "Caller gave up", busy: "Busy", "no-answer": "No answer", "not-registered": "Phone not registered", unreachable: "Unreachable",
    rejected: "Rejected", "wrong-number": "Wrong number", "no-channel": "No free line", "trunk-down": "Trunk down", "not-allowed": "Not allowed", "no-codec": "No common audio format", "no-encryption": "Encryption not agreed", failed: "Failed", loop: "Routed in circles",
    vanished: "Phone vanished", restart: "Cut by a restart", "internal-error": "Error in the box", preempted: "Gave way to an emergency call", "hung-up": "Ended", closed: "Closed", overflow: "Overflow",
    timeout: "Waited too long", "media-lost": "Audio lost",
  } as Record<string, string>,

  voice: {
    title: "Voice quality", good: "good", fair: "fair", bad: "bad", scale: "Estimated by the E-model: 1 (bad) to 4.5 (excellent)", from: "From the party", to: "To the party", worst: (mos: string): string => `worst 5 s ${mos}`,
    roundTrip: (ms: number): string => `round trip ${ms} ms`, notHeard: (who: string): string => `${who} is not heard`, muted: (who: string): string => `${who} is silent (muted?)`, heardAgain: (who: string): string => `${who} is heard`, hearsNothing: (who: string): string => `${who} hears nothing`, hearsAgain: (who: string): string => `${who} hears again`,
    unheard: {
      "no-packets": "no audio arrived", "other-source": "audio came from another address", "other-payload": "audio in a format that was not agreed", "no-rtp": "what arrived was no audio", unauthentic: "the encryption keys do not match",
      "digital-silence": "nothing but silence: muted, or no microphone",
      "not-received": "reports that no audio arrives", refused: "refuses the audio that is sent",
    } as Record<string, string>,
  },

  detail: {
    title: "Call", moments: "What happened",
  },

  moment: {
    started: (from: string, to: string): string => `${from} calls ${to}`, routed: (where: string): string => `Sent to: ${where}`, menu: (menu: string): string => `Hears the menu ${menu}`,
    key: (key: string): string => `Presses ${key}`, menuLeft: (outcome: string): string => `Leaves the menu (${outcome})`, queueEntered: (queue: string, place: number): string => `Waits in ${queue} as no. ${place}`,
    position: (place: number): string => `Is told: no. ${place}`, offered: (agent: string): string => `${agent} is rung`,
    offerEnded: (agent: string, outcome: string): string => `${agent}: ${outcome}`, queueLeft: (outcome: string, waited: string): string => `Leaves the queue after ${waited}: ${outcome}`,
    ringing: (who: string): string => `${who} rings`, bridged: "Conversation begins", bridgedWith: (who: string): string => `Conversation with ${who} begins`,
    held: "On hold", resumed: "Hold ends", moved: "Moved to another call", recordingStarted: "Recording begins", recordingStopped: "Recording ends",
    recordingPaused: "Recording paused", recordingHalted: "Recording stopped", recordingResumed: "Recording goes on",
    recordingConverted: (before: string, after: string): string => `Recording made smaller (${before} to ${after}, Opus)`, recordingDeleted: (days: number): string => `Recording deleted: kept for ${plural(days, "day", "days")}`,
    takenOver: (away: string): string => `The box was away for ${away}; the conversation went on`,
    listening: (by: string): string => `Is heard on the loudspeaker (${by})`, listeningEnded: "Is heard on the loudspeaker no more",
    fax: (where: string): string => (where ? `A fax machine calls: on to ${where}` : "A fax machine is heard"),
    greetingEnded: "The machine's greeting is over", keysSent: (count: number): string => plural(count, "key was pressed by hand", "keys were pressed by hand"),
    ended: (cause: string): string => `Call ends: ${cause}`, failed: "The box made a mistake; it ended this call",

  },
  offerOutcome: { answered: "answered", "no-answer": "did not answer", rejected: "rejected", busy: "busy", unreachable: "unreachable", withdrawn: "withdrawn" } as Record<string, string>,
  queueOutcome: { answered: "answered", abandoned: "hung up", overflow: "nobody logged in", timeout: "waited too long", closed: "closed", ended: "the call was ended", restart: "the box went down" } as Record<string, string>,
  menuOutcome: { key: "key", default: "no valid key", hangup: "hung up" } as Record<string, string>,

  player: {
    title: "Recording", play: "Play", pause: "Pause", speed: "Speed", download: "Download", outside: "Outside", ours: "Our side", position: "Position", back10: "Back 10 seconds", forward10: "Forward 10 seconds",
    failed: "The recording cannot be played.", none: "This call was not recorded.", deleted: (date: string, days: number): string => `The recording was deleted on ${date}: recordings are kept for ${plural(days, "day", "days")}.`, both: "Both", listen: "Listen to", growing: "The recording is still being made.",
    pauses: "Pauses", how: { silence: "paused, silent for", cut: "paused, left out", stop: "stopped, left out" },
  },

  system: {
    title: "System", box: "This box", version: "Version", site: "Site", timezone: "Time zone", started: "Running since", addresses: "Addresses", web: "Web pages", sip: "Phones and trunks (SIP)", audio: "Audio (RTP)",
    off: "What is off", nothingOff: "Everything this box can do is on.",
    phoneTitle: "Connect a desk phone", phoneIntro: "Enter these three in the phone's own web page, under account or line 1. The phone rings as soon as it shows that it is registered.",
    registrar: "Registrar / SIP server", port: "Port", transport: "Transport", user: "User / authentication name", userHint: "the extension's number", password: "Password",
    passwordHint: (hako: string, data: string) => !hako ? "the extension's secret: an administrator has it" : `the extension's secret: on the box, the command \`${hako} export --secrets --data ${data}\` shows it`, models: "Where the fields are called differently",
    yealink: "Yealink: Account › Register", snom: "Snom: Identity 1 › Login", grandstream: "Grandstream: Accounts › General Settings", panasonic: "Panasonic: VoIP › SIP Settings",
    tryIt: "Then dial *43: you hear yourself. *99 says the box's address.",
    api: "For programs", apiText: "Everything these pages show is also there for programs: ", apiLink: "OpenAPI document", apiToken: (hako: string, data: string) => `A program logs in with a token: \`${hako} token create --data ${data} NAME --role ROLE\``,
    you: "You", logout: "Log out", language: "Language", theme: "Appearance", auto: "As this device", light: "Light", dark: "Dark", contrast: "High contrast", clock: "Time of the box",

  },
  sound: {
    title: "Sound", output: "Loudspeaker", input: "Line-in", volume: "Volume", music: "Music on hold", auto: "Automatic", off: "Off", inUse: (device: string): string => `in use: ${device}`,
    builtIn: "The box's own", lineIn: "Line-in", fallback: "The line-in is away: callers hear the box's own music.", test: "Play a test tone", looking: "Looking for devices…", saved: "Changed.",
    adminOnly: "Devices and music are the administrator's.", now: "Now", paging: (phone: string): string => `${phone} is paging`, ringing: "Rings: a caller waits too long", listening: (by: string): string => `A call is heard (${by})`, quiet: "Quiet", stop: "Stop",
    codes: "Dial *88 at a phone to speak through the loudspeaker.",
  },
  role: { admin: "Administrator", supervisor: "Supervisor", agent: "Agent", wallboard: "Wallboard" },

  telephone: {
    title: "Telephone in the browser", extension: (number: string): string => `Phone ${number}`, off: "Off", connecting: "Connecting…", registering: "Registering…", ready: "Ready",
    turnOn: "Take calls here", turnOff: "Turn off", number: "Number", dial: "Call", answer: "Answer", refuse: "Refuse", hangUp: "Hang up", mute: "Mute", unmute: "Unmute", hold: "Hold", resume: "Resume", keys: "Keys",
    incoming: "Calls you", heldByOther: "Put you on hold", callFrom: (who: string): string => `Call from ${who}`,
    stage: { calling: "Calling…", ringing: "Rings there", early: "Rings there", talking: "Talking", held: "On hold", ended: "Ended" },
    insecure: "For the microphone browsers need HTTPS:", silent: "The audio is being connected…", muffled: "The browser keeps this page silent until you click or press a key. Click anywhere.",
    microphone: { denied: "The browser does not let this page use the microphone. Allow it at the left of the address, then try again.", missing: "No microphone can be used. Connect one, or choose another.", taken: "The microphone cannot be opened. End the program that uses it, or choose another.", insecure: "The browser gives the microphone to HTTPS pages only." },
    failed: { busy: "The other side is busy, or did not take the call.", nobody: "Nobody answers there.", number: "There is no such number.", forbidden: "This telephone may not dial that number.", unreachable: "The call could not be connected.", lost: "The connection to the telephone was lost, and your call is over. Please call again." },
    refused: { busy: "That cannot be done now: too many calls, or no keys are taken.", restarting: "The telephone is being started again…", number: "That number cannot be dialled." } as Record<string, string>,
    closed: { replaced: "This telephone was taken over by another tab.", "logged-out": "Logged out.", expired: "The telephone has ended. Take calls here again." } as Record<string, string>,
    devices: "Microphone and loudspeaker", chooseMicrophone: "Microphone", chooseLoudspeaker: "Loudspeaker", usual: "The computer's own choice", devicesHint: "Remembered by this browser. A headset keeps the other side from hearing an echo.",
  },

  certificate: {
    title: "HTTPS certificate", install: "How to install it on a computer or telephone",
    why: "The box speaks HTTPS with a certificate of its own making. Once a computer trusts the box's authority, its browsers open the pages without a warning and may use the microphone.",
    download: "Download the certificate", off: "HTTPS is off on this box.", then: "Afterwards open", back: "To the log-in",
    note: "Download it in your own network only. It vouches for this box alone; remove it in the same place when the box goes.",
    windows: { name: "Windows (Chrome, Edge)", steps: "Double-click the file › Install Certificate › Local Machine (or Current User) › Place all certificates in the following store › Trusted Root Certification Authorities. Restart the browser." },
    macos: { name: "macOS (Safari, Chrome)", steps: "Double-click the file; Keychain Access opens it. Find “Hako …” in the keychain, open it › Trust › When using this certificate: Always Trust. Restart the browser." },
    ios: { name: "iPhone, iPad", steps: "Open this page in Safari and download. Settings › Profile Downloaded › Install. Then Settings › General › About › Certificate Trust Settings: switch “Hako …” on." },
    android: { name: "Android", steps: "Settings › Security › More security settings › Encryption & credentials › Install a certificate › CA certificate, and choose the file. The names differ a little between makers." },
    firefox: { name: "Firefox (every system)", steps: "Settings › Privacy & Security › Certificates › View Certificates › Authorities › Import: choose the file, tick “Trust this CA to identify websites”." },
    linux: { name: "Linux (Chrome, Chromium)", steps: "Settings › Privacy and security › Security › Manage certificates › Custom / Authorities › Import: choose the file, trust it for websites." },
  },

  notFound: { title: "There is no such page", text: "The address may be mistyped.", home: "To the live page" },
};

export type Words = typeof en;
