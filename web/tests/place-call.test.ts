import { describe, expect, it } from "vitest";
import type { AgentView, RegistrationView } from "../src/api/types";
import { verdictOf } from "../src/names";
import { phonesFor } from "../src/pages/live/place-call";
import type { User } from "../src/session";

const phone = (extension: string, registered: boolean): RegistrationView => ({ extension, name: "", busy: false, contacts: registered ? [{ uri: "", address: "", transport: "udp", user_agent: "", expires: "" }] : [] });
const phones = [phone("201", true), phone("202", false), phone("203", true)];
const agents = [{ id: "aiko", extension: "201" } as AgentView, { id: "ken", extension: "202" } as AgentView];
const user = (role: User["role"], agent = ""): User => ({ name: "x", role, agent });

describe("from which telephones one may call", () => {
  it("is each that is registered, for who supervises, the own one first", () => {
    expect(phonesFor(user("supervisor"), agents, phones)).toEqual({ own: "", choices: ["201", "203"] });
    expect(phonesFor(user("admin", "aiko"), agents, phones)).toEqual({ own: "201", choices: ["201", "203"] });
  });
  it("is the own one alone, for an agent, and none while that is away", () => {
    expect(phonesFor(user("agent", "aiko"), agents, phones)).toEqual({ own: "201", choices: ["201"] });
    expect(phonesFor(user("agent", "ken"), agents, phones)).toEqual({ own: "", choices: [] });
  });
  it("is none, for who only looks", () => {
    expect(phonesFor(user("wallboard"), agents, phones)).toBeNull();
    expect(phonesFor(user("agent"), agents, phones)).toBeNull();
    expect(phonesFor(null, agents, phones)).toBeNull();
  });
});

describe("the verdict", () => {
  it("tells a fax machine and silence apart from what the box is not sure of", () => {
    expect(verdictOf("human", "after-greeting-silence")).toBe("human");
    expect(verdictOf("machine", "greeting")).toBe("machine");
    expect(verdictOf("machine", "fax")).toBe("fax");
    expect(verdictOf("unknown", "initial-silence")).toBe("silence");
    expect(verdictOf("unknown", "total")).toBe("unknown");
  });
});
