// From GitHub's own API description (npm @octokit/openapi) the operations that Bough calls, below /api/v3
// as an enterprise host has them: the whole takes an OpenAPI mock half a minute to read.
//   node github-description.js OUTPUT
const fs = require("fs");
const path = require("path");
const from = path.dirname(require.resolve("@octokit/openapi/package.json"));
const all = JSON.parse(fs.readFileSync(path.join(from, "generated/api.github.com.json")));

const repository = "/repos/{owner}/{repo}";
const called = {
  "/user": ["get"],
  [repository]: ["get"],
  [repository + "/commits/{ref}/check-runs"]: ["get"],
  [repository + "/commits/{ref}/status"]: ["get"],
  [repository + "/compare/{basehead}"]: ["get"],
  [repository + "/git/ref/{ref}"]: ["get"],
  [repository + "/git/refs"]: ["post"],
  [repository + "/git/refs/{ref}"]: ["patch", "delete"],
  [repository + "/issues/{issue_number}/comments"]: ["get", "post"],
  [repository + "/issues/{issue_number}/events"]: ["get"],
  [repository + "/issues/comments/{comment_id}"]: ["patch", "delete"],
  [repository + "/merges"]: ["post"],
  [repository + "/pulls"]: ["get", "post"],
  [repository + "/pulls/{pull_number}"]: ["get", "patch"],
  [repository + "/pulls/{pull_number}/commits"]: ["get"],
  [repository + "/pulls/{pull_number}/merge"]: ["put"],
  [repository + "/pulls/{pull_number}/reviews"]: ["get"],
  [repository + "/statuses/{sha}"]: ["post"],
};

const found = { openapi: all.openapi, info: all.info, paths: {}, components: {} };

// What a value refers to, and what that refers to, comes with it.
function take(value) {
  if (value === null || typeof value !== "object") return;
  for (const [key, inner] of Object.entries(value)) {
    if (key !== "$ref" || typeof inner !== "string") take(inner);
    else {
      const [, , kind, name] = inner.split("/");
      found.components[kind] ??= {};
      if (name in found.components[kind]) continue;
      found.components[kind][name] = all.components[kind][name];
      take(all.components[kind][name]);
    }
  }
}

for (const [where, methods] of Object.entries(called)) {
  const operations = all.paths[where];
  if (!operations) throw new Error("GitHub has no " + where);
  found.paths["/api/v3" + where] = {};
  for (const method of methods) {
    if (!operations[method]) throw new Error("GitHub has no " + method + " " + where);
    found.paths["/api/v3" + where][method] = operations[method];
  }
}
take(found.paths);
// Examples of further pages lead to GitHub itself, which a client rightly refuses.
delete found.components.headers.link;
for (const operations of Object.values(found.paths))
  for (const operation of Object.values(operations))
    for (const response of Object.values(operation.responses)) delete response.headers;
// The example of a repository lacks what its schema requires.
const example = found.components.examples["full-repository-default-response"].value;
for (const part of [example, example.source, example.parent]) part.language ??= null;
// Its pull request comes from a branch as Bough names them.
const text = JSON.stringify(found).replaceAll('"ref":"new-topic"', '"ref":"feature/new-topic"');
fs.writeFileSync(process.argv[2], text);
