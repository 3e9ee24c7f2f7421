import { manner } from "../i18n";
import { Names } from "../names";
import { WORDS } from "../i18n";
import { useStore } from "../store";
import { Live, type LiveState } from "./live";

export const live = new Live();

export function useLive(): LiveState;
export function useLive<S>(select: (state: LiveState) => S): S;
export function useLive<S>(select?: (state: LiveState) => S): LiveState | S {
  return useStore(live.state, select ?? ((state) => state as LiveState | S));
}

/** The present names; read when drawing. */
export function useNames(): Names {
  const chosen = useStore(manner);
  useLive((state) => state.agents);
  return new Names(live.state.value, WORDS[chosen.language], chosen);
}
