// The files of the extension that need no building.
import { copyFileSync } from "node:fs";

for (const name of ["manifest.json", "options.html", "popup.html"]) copyFileSync(name, `dist/${name}`);
