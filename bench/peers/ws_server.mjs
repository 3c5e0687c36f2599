// A peer of the fan-out: Node.js with the package ws. GET opens a WebSocket, POST sends everybody the frame.
// usage: node ws_server.mjs SIZE; it prints its port.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const text = `{"type":1,"target":"m","arguments":["|${"x".repeat(Number(process.argv[2]))}"]}\x1e`;
const server = createServer((request, response) => {
  request.resume();
  for (const client of sockets.clients) client.send(text);
  response.writeHead(202, { "Content-Length": 0 }).end();
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
server.listen(0, "127.0.0.1", 1024, () => console.log(server.address().port));
