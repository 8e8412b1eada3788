// Runs the script of a self-verifying page the way a browser does, without one: page.mjs PAGE [KEYS] [KEPT]
// Prints what verify.py prints. Needs Node 20 or newer.
import { readFileSync } from "node:fs";
import vm from "node:vm";
import { webcrypto } from "node:crypto";

const [page, keys, kept] = process.argv.slice(2).map((path) => (path && path !== "-" ? readFileSync(path, "utf8") : ""));
const entities = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
const inside = page.slice(page.indexOf('<pre id="bundle">') + 17, page.indexOf("</pre></details>"));
const text = inside.replace(/&(?:lt|gt|amp);/g, (entity) => entities[entity]);
const script = page.slice(page.indexOf("<script>") + 8, page.lastIndexOf("</script>"));
// No `fetch`, no `document`: the checks themselves, with what WebCrypto and the language give.
const context = vm.createContext({ crypto: webcrypto, TextEncoder, atob, btoa, Uint8Array });
vm.runInContext(script + "\nglobalThis.verifyBundle = verifyBundle;", context);
try {
  const bundle = await context.verifyBundle(text, keys ?? "", kept ?? "");
  const limits = Object.entries(bundle.limits).sort();
  console.log("VERIFIED" + (limits.length ? ", WITH LIMITS" : ""));
  for (const [name, count] of limits) console.log(`  ${name} ${count}`);
  process.exitCode = limits.length ? 3 : 0;
} catch (error) {
  if (!error.reason) throw error;
  const where = error.entry === null ? "" : `entry ${error.entry}: `;
  console.log(`FAILED  ${error.reason}: ${where}${error.detail}`);
  process.exitCode = error.reason === "not_a_bundle" ? 2 : 1;
}
