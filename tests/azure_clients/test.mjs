// The unmodified clients: secrets (set, get, versions, list, delete, recover, purge) and keys (get,
// encrypt, decrypt). The vault is reached as localhost, so its name is not verified as a domain.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";
import { SecretClient } from "@azure/keyvault-secrets";

const endpoints = JSON.parse(readFileSync(process.argv[2], "utf8"));
const vault = `https://localhost:${endpoints.https.split(":")[1]}`;
const options = { disableChallengeResourceVerification: true };

// A managed identity's token from the simulated metadata service.
const credential = {
  async getToken(scopes) {
    const resource = [scopes].flat()[0].replace("/.default", "");
    const url = `${endpoints.imds}/metadata/identity/oauth2/token?api-version=2018-02-01` +
      `&resource=${encodeURIComponent(resource)}`;
    const answer = await (await fetch(url, { headers: { Metadata: "true" } })).json();
    return { token: answer.access_token, expiresOnTimestamp: Number(answer.expires_on) * 1000 };
  },
};

async function secrets() {
  const client = new SecretClient(vault, credential, options);
  await client.setSecret("client-test", "one");
  const second = await client.setSecret("client-test", "two", { contentType: "text/plain" });
  assert.equal((await client.getSecret("client-test")).value, "two");
  assert.equal(second.properties.contentType, "text/plain");
  const expiresOn = new Date(1_900_000_000_000);
  const third = await client.setSecret("client-test-2", "three", { expiresOn });
  assert.equal(third.properties.expiresOn.getTime(), expiresOn.getTime());
  const versions = [];
  for await (const v of client.listPropertiesOfSecretVersions("client-test")) versions.push(v);
  assert.equal(versions.length, 2);
  const names = [];
  for await (const s of client.listPropertiesOfSecrets()) names.push(s.name);
  assert.ok(names.includes("client-test") && names.includes("apm-tls-cert"));
  await (await client.beginDeleteSecret("client-test", { intervalInMs: 100 })).pollUntilDone();
  await assert.rejects(client.getSecret("client-test"), { statusCode: 404 });
  await assert.rejects(client.setSecret("client-test", "three"), { statusCode: 409 });
  await (await client.beginRecoverDeletedSecret("client-test", { intervalInMs: 100 }))
    .pollUntilDone();
  assert.equal((await client.getSecret("client-test")).value, "two");
  await (await client.beginDeleteSecret("client-test", { intervalInMs: 100 })).pollUntilDone();
  await client.purgeDeletedSecret("client-test");
  await assert.rejects(client.getDeletedSecret("client-test"), { statusCode: 404 });
}

async function keys() {
  const client = new KeyClient(vault, credential, options);
  const key = await client.getKey("apm-master-key");
  assert.equal(key.keyType, "RSA-HSM");
  assert.ok(key.properties.exportable);
  assert.ok(key.properties.releasePolicy.encodedPolicy.length > 0);
  const id = new URL(key.id);
  const crypto = new CryptographyClient(vault + id.pathname, credential, options);
  const sealed = await crypto.encrypt("RSA-OAEP-256", Buffer.from("hello"));
  const opened = await crypto.decrypt("RSA-OAEP-256", sealed.result);
  assert.equal(Buffer.from(opened.result).toString(), "hello");
}

await secrets();
await keys();
console.log("azure clients: all passed");
