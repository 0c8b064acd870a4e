#!/usr/bin/env bash
# Puts VS Code 1.99 as a web server (code-server) into a folder, for the test of the extension in a
# real host. Its own install script downloads a program from elsewhere; this builds what is needed
# from npm alone. Needs node 20, python3, make, g++ and node's headers.
set -euo pipefail
mkdir -p "$1" && cd "$1"
[ -f package.json ] || npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent code-server@4.99.4
vscode=node_modules/code-server/lib/vscode
(cd "$vscode" && npm install --ignore-scripts --omit=dev --no-audit --no-fund --silent)
(cd "$vscode/extensions" && npm install --ignore-scripts --omit=dev --no-audit --no-fund --silent)
(cd "$vscode" && npm rebuild --silent @vscode/spdlog native-watchdog @parcel/watcher)
(cd "$vscode" && npm rebuild --silent node-pty) || true # its last step fails after the module is built
(cd "$vscode" && ln -sfn node_modules node_modules.asar)
npm_config_build_from_source=true npm rebuild --silent argon2
