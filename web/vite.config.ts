import { loadEnv } from "vite";
import { defineConfig, type Plugin } from "vitest/config";

/**
 * The pages are served with a policy that refuses inline styles. wavesurfer writes a <style> element into its shadow
 * root; as a <template> it is inert, and the player hands its text to a constructed style sheet instead, which the policy allows.
 */
function wavesurferWithoutInlineStyle(): Plugin {
  return {
    name: "wavesurfer-without-inline-style",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("wavesurfer.js/dist/")) return null;
      const opening = code.split("<style").length - 1;
      if (opening === 0) return null;
      if (opening !== 1 || !code.includes("</style>")) this.error("wavesurfer changed how it writes its style: look at it again");
      return { code: code.replace("<style", "<template").replace("</style>", "</template>"), map: null };
    },
  };
}

/** `npm run dev` shows the pages of these sources with the data of a running box (`hako demo`); HAKO_BOX is its address. */
const box = loadEnv("", ".", "HAKO_")["HAKO_BOX"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [wavesurferWithoutInlineStyle()],
  server: { proxy: { "/api": { target: box, ws: true } } },
  build: {
    outDir: "../appliance/web/pages",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  test: {
    environment: "node",
    include: ["tests/**/*.test.ts"],
    env: { TZ: "UTC" },
  },
});
