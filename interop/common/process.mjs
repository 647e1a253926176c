// Settings from the environment, and the listening socket: the same for every target here.
import { createServer } from "node:http";

/** The first of `names` that is set and not empty; ends the process with a message when none is. */
export function required(...names) {
  const value = optional(...names);
  if (value === undefined) {
    console.error(`error: set ${names.join(" or ")}`);
    process.exit(2);
  }
  return value;
}

/** The first of `names` that is set and not empty, else undefined. */
export function optional(...names) {
  return names.map((name) => process.env[name]).find((value) => value !== undefined && value !== "");
}

/** Serves `app` on HOST (default 127.0.0.1) and PORT (0 takes a free one), and says where. */
export function listen(app, name, defaultPort) {
  const server = createServer(app);
  server.on("error", (error) => {
    console.error(`error: ${name} cannot listen: ${error.message}`);
    process.exit(1);
  });
  server.listen(Number(optional("PORT") ?? defaultPort), optional("HOST") ?? "127.0.0.1", () => {
    const { address, port } = server.address();
    console.log(`${name} listening on http://${address}:${port}`);
  });
}
