// Verifies a delivery with the published JavaScript library, and its Ed25519 signatures with the public keys.
import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const { secrets, public_keys, headers, body } = JSON.parse(readFileSync(process.argv[2], "utf8"));
for (const secret of secrets) {
    const told = new Webhook(secret).verify(body, headers);
    if (told.data.id !== headers["webhook-id"]) throw new Error("another event");
}
const forged = [
    [body + " ", headers],
    [body, { ...headers, "webhook-id": "evt_other" }],
    [body, { ...headers, "webhook-timestamp": "1" }],
];
for (const [text, heads] of forged) {
    let taken = true;
    try {
        new Webhook(secrets[0]).verify(text, heads);
    } catch {
        taken = false;
    }
    if (taken) throw new Error("a forged delivery was taken");
}
const signed = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
const signatures = headers["webhook-signature"].split(" ").filter((one) => one.startsWith("v1a,"));
for (const key of public_keys) {
    const x = Buffer.from(key.slice("whpk_".length), "base64").toString("base64url");
    const proof = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    const holds = (one) => verify(null, signed, proof, Buffer.from(one.slice("v1a,".length), "base64"));
    if (!signatures.some(holds)) throw new Error("no signature of a public key holds");
}
console.log(`JavaScript: ${secrets.length} secrets and ${public_keys.length} key pairs verify, ${forged.length} forgeries are refused`);
