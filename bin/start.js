// `npm start`: installs what is missing, then `adjutant dev` with the arguments that follow `npm start --`.
import { isAbsolute, resolve } from "node:path";

const pathOptions = new Set(["--config", "-c", "--data-dir"]);

const shell = process.ppid;
await import("./install.js");
process.argv.splice(2, process.argv.length - 2, "dev", ...resolvePaths(process.argv.slice(2)));
stopWithTheShell();
await import("./adjutant.js");

/**
 * npm runs a script in the package's directory, wherever it was typed; INIT_CWD is where. A path that someone typed is
 * meant from there. What was not typed, such as the default langgraph.json, stays in the package's directory.
 */
function resolvePaths(words) {
  const typedIn = process.env.INIT_CWD ?? process.cwd();
  const fromThere = (path) => (isAbsolute(path) ? path : resolve(typedIn, path));
  return words.map((word, index) => {
    if (pathOptions.has(words[index - 1])) return fromThere(word);
    const [option, ...rest] = word.split("=");
    return rest.length > 0 && pathOptions.has(option)
      ? `${option}=${fromThere(rest.join("="))}`
      : word;
  });
}

/**
 * A SIGTERM to npm ends only the shell that npm put between itself and this process. Without this, the server would
 * live on unseen and keep its port.
 */
function stopWithTheShell() {
  const timer = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, 500);
  timer.unref();
}
