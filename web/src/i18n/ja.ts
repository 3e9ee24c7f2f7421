import type { Words } from "./en";

/** 画面のすべての言葉（日本語）。用語は product.md の用語集に合わせる。 */
export const ja: Words = {
  product: "Hako",
  tagline: "箱ひとつのコールセンター",

  nav: { live: "ライブ", records: "通話記録", system: "システム", menu: "ページ", skip: "本文へ" },

  common: {
    close: "閉じる", cancel: "キャンセル", all: "すべて", clear: "条件をクリア", loading: "読み込み中…",
    retry: "もう一度", more: "さらに表示",
  },

  errors: {
    unreachable: "本体が応答しません。電源と、このパソコンのネットワーク接続を確かめてください。",
    forbidden: "このログインでは操作できません。",
    notFound: "すでに存在しません。",
    notBuilt: "この版の本体ではまだ使えない機能です。",
    throttled: (time) => `回数が多すぎます。${time} 以降にもう一度お試しください。`,
    other: (message) => `操作できませんでした: ${message}`,
  },

  login: {
    title: "ログイン", name: "ユーザー名", password: "パスワード", submit: "ログイン", busy: "確認しています…",
    wrong: "ユーザー名またはパスワードが違います。",
    empty: "ユーザー名とパスワードを入力してください。",
    throttled: (time, wait) => `失敗が続いたため、一時的に止めています。${time}（あと${wait}）以降にログインしてください。`,
    ended: "ログインの有効期限が切れました。もう一度ログインしてください。",
    show: "パスワードを表示", hide: "パスワードを隠す",
    help: "お忘れの場合は、管理者が本体で新しいパスワードを設定できます。",
  },

  connection: {
    live: "ライブ", connecting: "接続中…", reconnecting: "再接続中…",
    stale: (time) => `本体が応答しないため、表示は ${time} 時点のものです（最新ではありません）。`,
    boxTime: "本体の時刻",
  },

  live: {
    title: "ライブ",
    waitingNow: "待ち呼", longestWait: "最長待ち時間", inProgress: "通話中", agentsFree: "受付可能", answeredToday: "本日の応答", abandonedToday: "本日の放棄呼",
    serviceLevel: "サービスレベル", ofLoggedIn: (count) => `ログイン ${count} 名中`, ofOffered: (count) => `着信 ${count} 件中`,
    levelMeaning: "本日の着信のうち、キューの目標時間内に応答した割合",
  },

  waiting: {
    title: "待ち呼", empty: "お待ちのお客様はいません。", position: (place) => `${place} 番目`,
  },

  place: {
    open: "発信…", title: "発信", intro: "先に電話機が鳴ります。受話器を上げると、この番号に発信します。", from: "発信する電話機", choose: "電話機を選択", number: "電話番号",
    judge: "応答者を判定する（人・留守番電話・ファクス）", call: "発信", placed: (phone) => `${phone} を呼び出しています。受話器を上げてください。`,
    nobody: "発信できる電話機が登録されていません。", itself: "発信元の電話機と同じ番号には発信できません。", ownAway: "ご自分の電話機が登録されていません。", judging: "応答者を判定中…",
  },

  calls: {
    title: "進行中の通話", empty: "現在、通話はありません。", hangUp: "切断", recording: "録音中", recorded: "録音しています", paused: "録音一時停止中", pausedWhy: "いまの会話は録音に残りません",
    record: { start: "録音を開始", stop: "録音を停止", pause: "録音を一時停止", resume: "録音を再開" }, total: "合計",
    confirmTitle: "この通話を切断しますか?", confirm: (who) => `${who} の通話が、双方ともただちに切れます。`, hungUp: "通話を切断しました。",
    gone: "通話はすでに終わっていました。", anonymous: "非通知", legs: "この通話の相手", quality: "受信音声", lost: (share) => `損失 ${share}`,
    loudspeaker: "スピーカーでモニター中", hear: "スピーカーで聞く", hearNoMore: "スピーカーを止める",
    jitter: (ms) => `ゆらぎ ${ms} ms`, noAudio: "音声はまだありません", show: "相手ごとの詳細", keys: "キーを押す", keysFor: "外線の相手に送るキー",
    encrypted: "すべての相手との音声を暗号化しています", encryptedTo: (who) => `${who} との音声だけを暗号化しています`, encryptedLeg: "音声を暗号化しています", and: "、",
  },

  callState: { routing: "接続中", menu: "メニュー", waiting: "待ち", ringing: "呼出中", talking: "通話中", held: "保留中", announcement: "アナウンス" },
  ringingWho: (who) => `${who} を呼出中`,

  fax: "ファクス", answeredBy: { human: "人が応答", machine: "留守番電話が応答", fax: "ファクスが応答", silence: "応答後は無音", unknown: "応答者は判定できず" },

  kind: { inbound: "着信", outbound: "発信", internal: "内線", service: "サービス" },

  legState: { calling: "発信中", ringing: "呼出中", talking: "通話中", held: "保留中" },

  destination: {
    extension: (name) => `内線 ${name}`, queue: (name) => name, menu: (name) => `メニュー ${name}`, group: (name) => `グループ ${name}`,
    hours: (name) => `営業時間 ${name}`, announcement: (name) => `アナウンス ${name}`, voicemail: (name) => `留守番電話 ${name}`,
    conference: (name) => `会議 ${name}`, number: (name) => name, music: "音楽", hangup: "切断",
  },

  agents: {
    title: "オペレーター", empty: "オペレーターが登録されていません。", change: (name) => `${name} の状態を変更`, noPhone: "電話機が未登録",
    reason: "理由", changed: (name) => `${name} の状態を変更しました。`, phone: (extension) => `内線 ${extension}`, finishWrapUp: "後処理を終える",
    loggedIn: (count, all) => `${all} 名中 ${count} 名がログイン`, showLoggedOut: (count) => `ログアウト ${count} 名`,
  },
  status: { available: "受付可", break: "休憩", "logged-out": "ログアウト" },
  state: { "logged-out": "ログアウト", idle: "待機中", offered: "呼出中", talking: "通話中", hold: "保留中", "wrap-up": "後処理" },
  setStatus: { available: "受付可にする", break: "休憩・一時離席", "logged-out": "ログアウトさせる" },

  queues: {
    title: "キュー", empty: "キューが登録されていません。", waiting: "待ち呼", longest: "最長", agents: "待機/在席", agentsLong: "待機中/ログイン中のオペレーター", today: "本日", offered: "着信",
    answered: "応答", abandoned: "放棄", level: "サービスレベル", nobody: "担当者なし",
  },

  lines: {
    phones: "電話機", trunks: "外線", registered: (count, all) => `${all} 台中 ${count} 台が登録済み`, noPhones: "内線が登録されていません。", noTrunks: "外線が登録されていません。",
    notRegistered: "未登録", busy: "使用中", free: "空き", expires: "期限", channels: (busy, all) => `${all} 回線中 ${busy} 使用`, showPhones: "アドレスと機種",

  },
  trunkState: { up: "使用可", down: "不通", registering: "登録中…", unchecked: "未確認" },

  faults: { title: "要対応", remedy: "対処", since: (time) => `${time} から` },

  panel: { title: "前面パネル", allWell: "すべて正常です。", dark: "ランプはありません。", lamp: (label, meaning) => `${label}: ${meaning}` },
  lampColor: { green: "緑", amber: "橙", red: "赤", off: "消灯" },
  lampMode: { off: "消灯", on: "点灯", slow: "ゆっくり点滅", fast: "速く点滅" },

  records: {
    title: "通話記録", from: "開始日", to: "終了日", numberHint: "電話番号・名前（一部でも可）", agent: "オペレーター", queue: "キュー", kind: "種別", service: "サービス通話も表示",
    today: "今日", yesterday: "昨日", week: "7日間", month: "30日間", anyTime: "全期間",
    started: "開始", caller: "発信元", called: "着信先", waited: "待ち", talked: "通話", held: "保留", result: "結果", recording: "録音", ended: "終了", answered: "応答", heard: "検出",
    empty: "条件に合う通話はありません。", emptyHint: "期間を広げるか、条件をクリアしてください。", none: "通話記録はまだありません。通話が終わるとここに表示されます。",
    count: (count, more) => (more ? `新しい順に ${count} 件` : `${count} 件`), play: "録音を再生", open: "通話を開く", inProgress: "進行中",
    newer: (count) => `新しい通話 ${count} 件を表示`, filters: "検索条件", trunk: "外線", encryption: "暗号化", encryptedAll: "すべての相手", encryptedOnly: (who) => `${who} のみ`, id: "通話 ID", badRange: "開始日が終了日より後になっています。",
  },

  cause: {
    answered: "応答", announcement: "案内放送で終了", abandoned: "放棄呼", cancelled: "発信者が切断", busy: "話し中", "no-answer": "応答なし", "not-registered": "電話機が未登録", unreachable: "接続不可",
    rejected: "拒否", "wrong-number": "番号違い", "no-channel": "空き回線なし", "trunk-down": "外線が使用不可", "not-allowed": "発信規制", "no-codec": "音声形式の不一致", "no-encryption": "暗号化の不一致", failed: "失敗", loop: "転送の循環",
    vanished: "電話機の応答が消失", restart: "再起動により終了", "internal-error": "本体の内部エラー", preempted: "緊急通報のため切断", "hung-up": "終了", closed: "受付時間外", overflow: "あふれ",
    timeout: "待ち時間超過", "media-lost": "音声断",
  },

  voice: {
    title: "音質", good: "良い", fair: "普通", bad: "悪い", scale: "E モデルによる推定値：1（悪い）〜4.5（最良）", from: "相手から", to: "相手へ", worst: (mos) => `最悪の5秒 ${mos}`,
    roundTrip: (ms) => `往復 ${ms} ms`, notHeard: (who) => `${who} の声が届きません`, muted: (who) => `${who} は無音です（ミュート？）`, heardAgain: (who) => `${who} の声が届きました`, hearsNothing: (who) => `${who} に相手の声が届いていません`, hearsAgain: (who) => `${who} に声が届くようになりました`,
    unheard: {
      "no-packets": "音声がまったく届いていません", "other-source": "別のアドレスから音声が届いています", "other-payload": "取り決めにない形式の音声です", "no-rtp": "届いたデータは音声ではありません", unauthentic: "暗号鍵が一致しません",
      "digital-silence": "無音だけが届いています（ミュート、またはマイクなし）",
      "not-received": "音声が届いていないと報告しています", refused: "送った音声を拒否しています",
    },
  },

  detail: {
    title: "通話", moments: "通話の流れ",
  },

  moment: {
    started: (from, to) => `${from} から ${to} への通話`, routed: (where) => `接続先: ${where}`, menu: (menu) => `メニュー ${menu} を再生`,
    key: (key) => `${key} を押す`, menuLeft: (outcome) => `メニューを出る（${outcome}）`, queueEntered: (queue, place) => `${queue} で待つ（${place} 番目）`,
    position: (place) => `「${place} 番目」と案内`, offered: (agent) => `${agent} を呼び出す`,
    offerEnded: (agent, outcome) => `${agent}: ${outcome}`, queueLeft: (outcome, waited) => `${waited}待って${outcome}`,
    ringing: (who) => `${who} を呼出中`, bridged: "通話開始", bridgedWith: (who) => `${who} との通話開始`,
    held: "保留", resumed: "保留解除", moved: "別の通話へ移る", recordingStarted: "録音開始", recordingStopped: "録音終了",
    recordingPaused: "録音を一時停止", recordingHalted: "録音を停止", recordingResumed: "録音を再開",
    recordingConverted: (before, after) => `録音を圧縮（${before} → ${after}、Opus）`, recordingDeleted: (days) => `録音を削除（保存期間 ${days} 日）`,
    takenOver: (away) => `本体が ${away}停止、通話はそのまま継続`,
    listening: (by) => `スピーカーでモニター開始（${by}）`, listeningEnded: "スピーカーでのモニター終了",
    fax: (where) => (where ? `ファクスの信号音: ${where} へ` : "ファクスの信号音を検出"),
    greetingEnded: "留守番電話の応答メッセージが終わる", keysSent: (count) => `画面からキーを ${count} 個送る`,
    ended: (cause) => `通話終了: ${cause}`, failed: "本体の内部エラーで通話を終了",

  },
  offerOutcome: { answered: "応答", "no-answer": "応答なし", rejected: "拒否", busy: "話し中", unreachable: "接続不可", withdrawn: "取消" },
  queueOutcome: { answered: "応答", abandoned: "放棄", overflow: "担当者なし", timeout: "待ち時間超過", closed: "受付時間外", ended: "通話を終了", restart: "本体の再起動" },
  menuOutcome: { key: "選択", default: "有効な入力なし", hangup: "切断" },

  player: {
    title: "録音", play: "再生", pause: "一時停止", speed: "速さ", download: "ダウンロード", outside: "相手側", ours: "こちら側", position: "再生位置", back10: "10秒戻る", forward10: "10秒進む",
    failed: "録音を再生できません。", none: "この通話は録音されていません。", deleted: (date, days) => `録音は保存期間（${days} 日）を過ぎたため、${date}に削除されました。`, both: "両方", listen: "聞く側", growing: "録音はまだ続いています。",
    pauses: "一時停止", how: { silence: "一時停止（無音）", cut: "一時停止（録音なし）", stop: "停止（録音なし）" },
  },

  system: {
    title: "システム", box: "この本体", version: "バージョン", site: "拠点", timezone: "タイムゾーン", started: "稼働開始", addresses: "アドレス", web: "画面 (Web)", sip: "電話機・外線 (SIP)", audio: "音声 (RTP)",
    off: "使っていない機能", nothingOff: "この本体の機能はすべて動いています。",
    phoneTitle: "電話機をつなぐ", phoneIntro: "電話機の設定画面で、アカウント（回線 1）に次の 3 つを入力します。「登録済み」と表示されれば使えます。",
    registrar: "レジストラ/SIP サーバー", port: "ポート", transport: "トランスポート", user: "ユーザー名/認証 ID", userHint: "内線番号", password: "パスワード",
    passwordHint: (hako: string, data: string) => !hako ? "内線のパスワード（管理者にお尋ねください）" : `内線のパスワード（本体のコマンド \`${hako} export --secrets --data ${data}\` で確認）`, models: "機種ごとの設定場所",
    yealink: "Yealink: アカウント › 登録", snom: "Snom: ID 1 › ログイン", grandstream: "Grandstream: アカウント › 一般設定", panasonic: "Panasonic: VoIP › SIP 設定",
    tryIt: "つながったら *43 に電話すると自分の声が聞こえます。*99 で本体のアドレスを読み上げます。",
    api: "プログラムから使う", apiText: "この画面の内容はすべてプログラムからも利用できます。仕様：", apiLink: "OpenAPI 文書", apiToken: (hako: string, data: string) => `プログラムはトークンでログインします：\`${hako} token create --data ${data} 名前 --role 役割\``,
    you: "ログイン中のユーザー", logout: "ログアウト", language: "言語 / Language", theme: "外観", auto: "端末に合わせる", light: "ライト", dark: "ダーク", contrast: "高コントラスト", clock: "本体の時刻",

  },
  sound: {
    title: "スピーカーと音楽", output: "スピーカー", input: "ライン入力", volume: "音量", music: "保留音", auto: "自動", off: "使わない", inUse: (device) => `使用中: ${device}`,
    builtIn: "内蔵の音楽", lineIn: "ライン入力", fallback: "ライン入力が使えないため、内蔵の音楽を流しています。", test: "テスト音を鳴らす", looking: "装置を探しています…", saved: "変更しました。",
    adminOnly: "装置と保留音は管理者が変更できます。", now: "現在", paging: (phone) => `${phone} が館内放送中`, ringing: "お客様をお待たせしているため鳴動中", listening: (by) => `通話をモニター中（${by}）`, quiet: "無音", stop: "止める",
    codes: "電話機から *88 に電話すると、スピーカーで館内放送ができます。",
  },
  role: { admin: "管理者", supervisor: "SV", agent: "オペレーター", wallboard: "ウォールボード" },

  telephone: {
    title: "ブラウザーの電話", extension: (number) => `内線 ${number}`, off: "オフ", connecting: "接続中…", registering: "登録中…", ready: "待ち受け中",
    turnOn: "ここで電話を受ける", turnOff: "オフにする", number: "電話番号", dial: "発信", answer: "応答", refuse: "拒否", hangUp: "切る", mute: "ミュート", unmute: "ミュート解除", hold: "保留", resume: "保留解除", keys: "キー",
    incoming: "着信", heldByOther: "相手が保留中", callFrom: (who) => `${who} からの着信`,
    stage: { calling: "発信中…", ringing: "呼び出し中", early: "呼び出し中", talking: "通話中", held: "保留中", ended: "終了" },
    insecure: "マイクを使うには HTTPS で開いてください：", silent: "音声を接続しています…", muffled: "ブラウザーが音を止めています。画面のどこかをクリックすると聞こえます。",
    microphone: { denied: "ブラウザーがマイクの使用を許可していません。アドレスの左のアイコンから許可して、もう一度お試しください。", missing: "使えるマイクがありません。接続するか、別のマイクを選んでください。", taken: "マイクを開けません。マイクを使っているほかのプログラムを終了するか、別のマイクを選んでください。", insecure: "マイクは HTTPS のページでだけ使えます。" },
    refused: { busy: "今は操作できません（通話が多すぎるか、相手がキーを受け付けません）。", restarting: "電話を再起動しています…", number: "この番号には発信できません。" },
    failed: { busy: "相手は話し中か、応答できませんでした。", nobody: "相手が応答しません。", number: "この番号は使われていません。", forbidden: "この電話からその番号には発信できません。", unreachable: "電話をつなげませんでした。", lost: "電話との接続が失われ、通話は終了しました。もう一度おかけください。" },
    closed: { replaced: "この電話は別のタブに引き継がれました。", "logged-out": "ログアウトしました。", expired: "電話が終了しました。もう一度「ここで電話を受ける」を押してください。" },
    devices: "マイクとスピーカー", chooseMicrophone: "マイク", chooseLoudspeaker: "スピーカー", usual: "パソコンの設定どおり", devicesHint: "このブラウザーに記憶されます。ヘッドセットを使うと、相手に反響が聞こえません。",
  },

  certificate: {
    title: "HTTPS 証明書", install: "パソコンやスマートフォンへの入れ方",
    why: "この本体は、自分で作った証明書で HTTPS を使います。本体の認証局を一度信頼させると、ブラウザーは警告なしで画面を開き、マイクを使えるようになります。",
    download: "証明書をダウンロード", off: "この本体では HTTPS が使われていません。", then: "済んだら、こちらを開いてください：", back: "ログインへ",
    note: "必ず社内のネットワークでダウンロードしてください。この証明書が保証するのはこの本体だけです。本体を使わなくなったら、同じ場所から削除してください。",
    windows: { name: "Windows（Chrome、Edge）", steps: "ファイルをダブルクリック › 証明書のインストール › ローカル コンピューター（または現在のユーザー） › 証明書をすべて次のストアに配置する › 信頼されたルート証明機関。ブラウザーを再起動します。" },
    macos: { name: "macOS（Safari、Chrome）", steps: "ファイルをダブルクリックするとキーチェーンアクセスに入ります。「Hako …」を開き › 信頼 › この証明書を使用するとき：常に信頼。ブラウザーを再起動します。" },
    ios: { name: "iPhone、iPad", steps: "Safari でこのページを開いてダウンロードします。設定 › プロファイルがダウンロード済み › インストール。続けて、設定 › 一般 › 情報 › 証明書信頼設定で「Hako …」をオンにします。" },
    android: { name: "Android", steps: "設定 › セキュリティ › その他のセキュリティ設定 › 暗号化と認証情報 › 証明書のインストール › CA 証明書で、ファイルを選びます。名称は機種により少し異なります。" },
    firefox: { name: "Firefox（すべての OS）", steps: "設定 › プライバシーとセキュリティ › 証明書を表示 › 認証局証明書 › 読み込む でファイルを選び、「この認証局によるウェブサイトの識別を信頼する」にチェックします。" },
    linux: { name: "Linux（Chrome、Chromium）", steps: "設定 › プライバシーとセキュリティ › セキュリティ › 証明書の管理 › カスタム/認証局 › インポート でファイルを選び、ウェブサイトに対して信頼します。" },
  },

  notFound: { title: "ページが見つかりません", text: "アドレスが間違っている可能性があります。", home: "ライブへ" },
};
