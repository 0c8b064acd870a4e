// Starts the language server and shows what it finds: a status item with the verdict, a panel with
// the findings, commands. It decides nothing.

import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  ExecuteCommandRequest,
  LanguageClient,
  LanguageClientOptions,
} from "vscode-languageclient/node";

interface Status {
  uri: string;
  verdict: "pass" | "review" | "block";
  counts: { block: number; review: number; hint: number };
}

const NAMES = { pass: "通过", review: "需复核", block: "禁止使用" };
const ICONS = { pass: "pass", review: "warning", block: "error" };
const SELECTOR = ["plaintext", "markdown", "csv"].map((language) => ({ language }));
const FILES = { scheme: "file", pattern: "**/*.{txt,text,md,markdown,csv,tsv}" };

let client: LanguageClient | undefined;
const statuses = new Map<string, Status>();

function settings(): Record<string, unknown> {
  const known = vscode.workspace.getConfiguration("huashu");
  const names = ["enabled", "run", "debounce", "industry", "channel", "showExcused", "showPersonalData", "minLevel"];
  return Object.fromEntries(names.map((name) => [name, known.get(name)]));
}

async function start(): Promise<void> {
  const command = vscode.workspace.getConfiguration("huashu").get<string>("command", "huashu");
  const options: LanguageClientOptions = {
    documentSelector: [...SELECTOR.map((item) => ({ scheme: "file", ...item })), FILES],
    initializationOptions: { ...settings(), asksReason: true },
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue }),
      closed: () => ({ action: CloseAction.DoNotRestart, message: "话术检查服务已停止，可用命令重新启动。" }),
    },
  };
  client = new LanguageClient("huashu", "话术检查", { command, args: ["lsp"] }, options);
  client.onNotification("huashu/status", (status: Status) => {
    statuses.set(vscode.Uri.parse(status.uri).toString(), status);
    refresh();
  });
  try {
    await client.start();
  } catch {
    client = undefined;
    const choice = await vscode.window.showErrorMessage(
      `无法启动“${command} lsp”。请安装 huashu（pip install 'huashu[lsp]'），或在设置中填写 huashu.command。`,
      "打开设置",
    );
    if (choice) await vscode.commands.executeCommand("workbench.action.openSettings", "huashu.command");
  }
}

async function ask<T>(command: string, ...args: unknown[]): Promise<T | undefined> {
  return client?.sendRequest(ExecuteCommandRequest.type, { command, arguments: args }) as Promise<T | undefined>;
}

class Findings implements vscode.TreeDataProvider<vscode.Diagnostic> {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;

  refresh(): void {
    this.changed.fire();
  }

  getChildren(parent?: vscode.Diagnostic): vscode.Diagnostic[] {
    const uri = vscode.window.activeTextEditor?.document.uri;
    if (parent || !uri) return [];
    const found = vscode.languages.getDiagnostics(uri).filter((item) => item.source === "huashu");
    return found.sort((one, other) => one.range.start.compareTo(other.range.start));
  }

  getTreeItem(found: vscode.Diagnostic): vscode.TreeItem {
    const document = vscode.window.activeTextEditor?.document;
    const words = document?.getText(found.range) || "（应说未说）";
    const item = new vscode.TreeItem(words);
    item.description = found.message.split("。")[0];
    item.tooltip = found.message;
    item.iconPath = new vscode.ThemeIcon(found.severity === vscode.DiagnosticSeverity.Error ? "error" : "warning");
    item.command = {
      command: "vscode.open",
      title: "转到",
      arguments: [document?.uri, { selection: found.range }],
    };
    return item;
  }
}

const findings = new Findings();
const item = vscode.window.createStatusBarItem("huashu.verdict", vscode.StatusBarAlignment.Right, 100);
item.name = "话术结论";
item.command = "huashu.findings.focus";

function refresh(): void {
  findings.refresh();
  const status = statuses.get(vscode.window.activeTextEditor?.document.uri.toString() ?? "");
  if (!status || !client) {
    item.hide();
    return;
  }
  const { block, review } = status.counts;
  item.text = `$(${ICONS[status.verdict]}) 话术：${NAMES[status.verdict]}`;
  item.tooltip = `禁止使用 ${block} 处，需复核 ${review} 处`;
  item.show();
}

/** A suppression needs a reason; the server writes the comment. */
async function askReason(uri: string, rule: string, offset: number): Promise<void> {
  const reason = await vscode.window.showInputBox({
    title: `忽略 ${rule}`,
    prompt: "请填写理由，例如证明材料的编号；理由会写入文件",
    validateInput: (value) => (value.trim() ? undefined : "必须填写理由"),
  });
  if (reason?.trim()) await ask("huashu.ignore", uri, rule, offset, reason.trim());
}

async function explain(found?: vscode.Diagnostic): Promise<void> {
  if (!found) return;
  const page = await ask<string | null>("huashu.explain", String(found.code));
  const document = await vscode.workspace.openTextDocument({ language: "markdown", content: page ?? "没有这条规则" });
  await vscode.window.showTextDocument(document, { preview: true });
}

async function fixAll(): Promise<void> {
  await vscode.commands.executeCommand("editor.action.codeAction", {
    kind: "source.fixAll.huashu",
    apply: "first",
  });
}

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  context.subscriptions.push(
    item,
    vscode.window.registerTreeDataProvider("huashu.findings", findings),
    vscode.commands.registerCommand("huashu.askReason", askReason),
    vscode.commands.registerCommand("huashu.explainRule", explain),
    vscode.commands.registerCommand("huashu.fixAll", fixAll),
    vscode.commands.registerCommand("huashu.toggleExcused", async () => {
      const known = vscode.workspace.getConfiguration("huashu");
      await known.update("showExcused", !known.get("showExcused"));
    }),
    vscode.commands.registerCommand("huashu.restart", async () => {
      await client?.stop();
      await start();
    }),
    vscode.window.onDidChangeActiveTextEditor(refresh),
    vscode.languages.onDidChangeDiagnostics(() => findings.refresh()),
    vscode.workspace.onDidChangeConfiguration(async (event) => {
      if (event.affectsConfiguration("huashu.command")) await vscode.commands.executeCommand("huashu.restart");
      else if (event.affectsConfiguration("huashu")) {
        await client?.sendNotification("workspace/didChangeConfiguration", { settings: { huashu: settings() } });
      }
    }),
  );
  await start();
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}
