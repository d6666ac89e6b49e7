import { hasOtherHooks, Resolutions } from "./resolutions.ts";

// Before anything large is imported, which is why the command is not imported above.
if (!hasOtherHooks(process.execArgv, process.env["NODE_OPTIONS"])) Resolutions.register();
await import("./command.ts");
