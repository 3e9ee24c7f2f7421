import { describe, expect, it } from "vitest";
import { affected } from "../src/live/affected";
import { en } from "../src/i18n/en";
import { ja } from "../src/i18n/ja";
import { inLanguage } from "../src/i18n";
import { chooseLanguage, parsePreferences } from "../src/preferences";

type Tree = { [key: string]: unknown };

function leaves(tree: Tree, path = ""): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === "object" && value !== null) for (const [below, leaf] of leaves(value as Tree, `${path}${key}.`)) found.set(below, leaf);
    else found.set(path + key, value);
  }
  return found;
}

describe("the dictionaries", () => {
  const english = leaves(en);
  const japanese = leaves(ja);
  it("have the same keys, those of open word lists included", () => {
    expect([...japanese.keys()].sort()).toEqual([...english.keys()].sort());
  });
  it("say something everywhere", () => {
    for (const [key, words] of [...english, ...japanese]) if (typeof words === "string") expect(words.trim(), key).not.toBe("");
  });
  it("use every value they are given", () => {
    for (const dictionary of [english, japanese]) {
      for (const [key, words] of dictionary) {
        if (typeof words !== "function" || words.length === 0 || key === "records.count") continue;
        const given = Array.from({ length: words.length }, (_, index) => `«${index}»`);
        const said = (words as (...values: string[]) => string)(...given);
        for (const value of given) expect(said, key).toContain(value);
      }
    }
  });
  it("use the glossary's words", () => {
    expect(ja.live.waitingNow).toBe("待ち呼");
    expect(ja.cause["abandoned"]).toBe("放棄呼");
    expect(ja.state["wrap-up"]).toBe("後処理");
    expect(ja.agents.title).toBe("オペレーター");
  });
  it("count in English", () => {
    expect(en.records.count(1, false)).toBe("1 call");
    expect(en.records.count(2, false)).toBe("2 calls");
  });
});

describe("the language", () => {
  it("is the person's choice before the user's, the browser's and the site's", () => {
    expect(chooseLanguage("ja", "en", ["en"], "en")).toBe("ja");
    expect(chooseLanguage("", "ja", ["en"], "en")).toBe("ja");
    expect(chooseLanguage("", "", ["de-DE", "ja-JP"], "en")).toBe("ja");
    expect(chooseLanguage("", "", ["de-DE"], "ja")).toBe("ja");
    expect(chooseLanguage("", "", [], "")).toBe("en");
  });
});

describe("what the box says by language", () => {
  it("is said in the reader's, else in English, else as it is", () => {
    expect(inLanguage({ ja: "満杯", en: "Full" }, "ja")).toBe("満杯");
    expect(inLanguage({ ja: "", en: "Full" }, "ja")).toBe("Full");
    expect(inLanguage({ ja: "満杯" }, "en")).toBe("満杯");
    expect(inLanguage({}, "en")).toBe("");
  });
});

describe("stored preferences", () => {
  it("are read", () => {
    expect(parsePreferences('{"language":"ja","theme":"dark","contrast":"more"}')).toEqual({ language: "ja", theme: "dark", contrast: "more" });
  });
  it.each([null, "", "{", "[]", "null", '{"language":"fr","theme":7}'])("count as not chosen when they are %s", (text) => {
    expect(parsePreferences(text)).toEqual({ language: "", theme: "", contrast: "" });
  });
});

describe("affected lists", () => {
  it.each([
    ["queue-entered", ["calls", "queues", "agents"]], ["agent-state-changed", ["agents", "queues", "calls"]], ["menu-entered", ["calls"]], ["recording-started", ["calls"]],
    ["phone-registered", ["registrations", "agents"]], ["trunk-down", ["trunks"]], ["log-in", []], ["listening-started", ["calls"]], ["page-started", []], ["menu-key", []],
  ])("of %s are %j", (type, lists) => {
    expect(affected(type)).toEqual(lists);
  });
  it("include the lines when a line becomes busy or free", () => {
    expect(affected("leg-started")).toContain("trunks");
    expect(affected("call-ended")).toContain("registrations");
    expect(affected("leg-held")).not.toContain("trunks");
  });
  it("are all of them for a type of a newer box", () => {
    expect(affected("config-changed")).toHaveLength(6);
    expect(affected("something-new")).toHaveLength(6);
  });
});
