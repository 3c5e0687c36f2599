// A peer of the fan-out: Node.js with Socket.IO. POST sends everybody the text.
// usage: node socketio_server.mjs SIZE; it prints its port.
import { createServer } from "node:http";
import { Server } from "socket.io";

const text = `|${"x".repeat(Number(process.argv[2]))}`;
const server = createServer((request, response) => {
  request.resume();
  io.emit("m", text);
  response.writeHead(202, { "Content-Length": 0 }).end();
});
// The clients of bench/ answer no pings.
const io = new Server(server, { transports: ["websocket"], pingInterval: 600_000, serveClient: false });
server.listen(0, "127.0.0.1", 1024, () => console.log(server.address().port));
